import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  FlowDecisionOutcome,
  FlowDecisionsServiceService as Methods,
  type ExplainFlowChangeRequest,
  type ExplainFlowChangeResponse,
  type FlowDecisionCounts,
  type FlowDecisionsServiceServer,
  type ListFlowDecisionsRequest,
  type ListFlowDecisionsResponse,
} from '@rapport/contracts/rapport/flows/v1/flow_decisions_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { RecordAccess } from '../serve-runs/record-access.js';
import { ChangedRecords } from './changed-records.js';
import { decisionColumns, decisionMessage, type DecisionRow } from './decision-row.js';
import { explainChange } from './explain-change.js';

const defaultPageSize = 20;

@Controller()
@ImplementsService(Methods)
export class FlowDecisionsController implements ServiceHandlers<FlowDecisionsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly key: PageTokenKey,
    readonly records: ChangedRecords,
    readonly access: RecordAccess,
  ) {}

  async listFlowDecisions({
    pageSize = defaultPageSize,
    pageToken,
    flowId,
    outcomes,
  }: ListFlowDecisionsRequest): Promise<ListFlowDecisionsResponse> {
    const { tenantId } = currentCaller();
    const names = outcomes.map((outcome) => FlowDecisionOutcome[outcome]);
    const binding = `ListFlowDecisions ${tenantId} ${flowId ?? ''} ${names.toSorted().join()}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by the time of the decision.
    const rows = await readForTenant<DecisionRow>(this.em, {
      sql: `select ${decisionColumns} from flow_decision
        where tenant_id = $1 and ($2::uuid is null or flow_id = $2) and ($3::text[] is null or outcome = any ($3))
          and ($4::uuid is null or id < $4)
        order by id desc limit $5`,
      values: [tenantId, flowId ?? null, names.length > 0 ? names : null, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    const shows = await this.access.among(page);
    return {
      flowDecisions: page.map((row) => decisionMessage(row, shows(row))),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
      counts: flowId === undefined ? [] : await this.#counts(tenantId, flowId),
    };
  }

  explainFlowChange({ changeId }: ExplainFlowChangeRequest): Promise<ExplainFlowChangeResponse> {
    return explainChange(this.em, this, changeId);
  }

  #counts(tenantId: string, flowId: string): Promise<FlowDecisionCounts[]> {
    return readForTenant<FlowDecisionCounts>(this.em, {
      sql: `select version, sum(started)::int as started, sum(suppressed)::int as suppressed,
          sum(not_matched)::int as "notMatched"
        from flow_decided where tenant_id = $1 and flow_id = $2 group by version order by version desc limit 1000`,
      values: [tenantId, flowId],
    });
  }
}
