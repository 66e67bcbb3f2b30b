import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  FlowBackfillsServiceService as Methods,
  FlowBackfillState,
  type BackfillFlowRequest,
  type CancelFlowBackfillRequest,
  type FlowBackfill,
  type FlowBackfillsServiceServer,
  type GetFlowBackfillRequest,
  type ListFlowBackfillsRequest,
  type ListFlowBackfillsResponse,
} from '@rapport/contracts/rapport/flows/v1/flow_backfills_service';
import { PageTokenKey, queryRows, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { writeCall } from '../../storage/write-call.js';
import { enteringType } from '../enrollments/enter-flow.js';
import { RecordAccess } from '../serve-runs/record-access.js';
import { activeFlow } from '../serve-runs/run-flow.js';
import { FlowWorker } from '../worker/flow-worker.js';
import { backfillMessage, backfillNotFound, selectBackfills, type BackfillRow } from './backfill-row.js';
import { BackfillWorker } from './backfill-worker.js';
import { cancelBackfill } from './cancel-backfill.js';
import { checkBackfilling, startBackfill } from './start-backfill.js';

const defaultPageSize = 20;

@Controller()
@ImplementsService(Methods)
export class FlowBackfillsController implements ServiceHandlers<FlowBackfillsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly key: PageTokenKey,
    private readonly runs: FlowWorker,
    private readonly worker: BackfillWorker,
    private readonly access: RecordAccess,
  ) {}

  async backfillFlow(request: BackfillFlowRequest): Promise<FlowBackfill> {
    const segmentId = request.backfilling?.segmentId;
    if (segmentId === undefined) throw invalidField('backfilling.segmentId', 'REQUIRED', 'is required');
    const flow = await this.em.transactional((em) => activeFlow(em, request.id));
    checkBackfilling(flow);
    this.access.check(enteringType);
    const segment = await this.access.read({ type: 'segment', id: segmentId });
    const size = Number(segment['size'] ?? 0);
    const { envelope } = this.runs.parts;
    const answer = await writeCall(this.em, envelope, Methods.backfillFlow, request, async (em) => {
      const id = await startBackfill(em, flow, { id: segmentId, size });
      const values = [currentCaller().tenantId, id];
      const [row] = await queryRows<BackfillRow>(em, { sql: `${selectBackfills} where id = $2`, values });
      if (!row) throw new Error('A new backfill is gone.');
      return backfillMessage(row);
    });
    this.worker.wake();
    return answer;
  }

  async getFlowBackfill({ id }: GetFlowBackfillRequest): Promise<FlowBackfill> {
    const [row] = await readForTenant<BackfillRow>(this.em, {
      sql: `${selectBackfills} where id = $2`,
      values: [currentCaller().tenantId, id],
    });
    if (!row) throw backfillNotFound();
    return backfillMessage(row);
  }

  async listFlowBackfills(request: ListFlowBackfillsRequest): Promise<ListFlowBackfillsResponse> {
    const { pageSize = defaultPageSize, pageToken, flowId, states } = request;
    const { tenantId } = currentCaller();
    const names = states.map((state) => FlowBackfillState[state]).toSorted();
    const binding = `ListFlowBackfills ${tenantId} ${flowId ?? ''} ${names.join()}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by creation time.
    const rows = await readForTenant<BackfillRow>(this.em, {
      sql: `${selectBackfills}
        where ($2::uuid is null or flow_id = $2) and (cardinality($3::text[]) = 0 or state = any ($3))
          and ($4::uuid is null or id < $4)
        order by id desc limit $5`,
      values: [tenantId, flowId ?? null, names, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      flowBackfills: page.map(backfillMessage),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  async cancelFlowBackfill({ id }: CancelFlowBackfillRequest): Promise<FlowBackfill> {
    await this.em.transactional((em) => cancelBackfill(em, id));
    this.worker.wake();
    return this.getFlowBackfill({ id });
  }
}
