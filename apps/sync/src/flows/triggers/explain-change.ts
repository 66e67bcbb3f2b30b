import type { EntityManager } from '@mikro-orm/postgresql';
import { camelCase } from '@rapport/contracts';
import {
  FlowDecisionOutcome,
  type ExplainFlowChangeResponse,
  type FlowDecision,
} from '@rapport/contracts/rapport/flows/v1/flow_decisions_service';
import type { SegmentTrigger } from '@rapport/contracts/rapport/flows/v1/flow';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { readDefinition, type DefinitionJson } from '../definitions/definition-json.js';
import type { RecordAccess } from '../serve-runs/record-access.js';
import type { ChangedRecords } from './changed-records.js';
import { decisionColumns, decisionMessage, type DecisionRow } from './decision-row.js';
import { mismatchOf, type ChangeFacts, type Mismatch, type RecordAround } from './match-trigger.js';
import { customerOfMember, memberTrigger } from './segment-trigger.js';
import { filtersOf, matchMismatch, type RecordFlow } from './take-flows.js';

interface ChangeRow {
  change_id: string;
  number: string;
  type: string;
  record_id: string;
  operation: string;
  changed_fields: string[];
  time: string | Date;
  actor: string;
  causation_id: string | null;
  hop: number;
}

/** A version that has decided about a change. */
interface DecidedVersion {
  flow_id: string;
  version: number;
  definition: DefinitionJson;
}

const explanations: Readonly<Record<Mismatch, string>> = {
  TYPE: 'The record has another type than that of the trigger.',
  OPERATION: 'The trigger does not name the operation.',
  FIELDS: 'None of the fields of the trigger has changed.',
  FILTER: 'The record does not meet the filter after the change.',
  BEFORE_FILTER: 'The record did not meet the filter before the change.',
  SEGMENT: 'The customer has joined or left another segment.',
  CONDITION: 'The condition is not true.',
};

/**
 * Handles ExplainFlowChange: the stored decision of each version that was active, or the reason of those that did not
 * match, by evaluating the trigger and the condition again.
 */
export async function explainChange(
  em: EntityManager,
  { records, access }: { records: ChangedRecords; access: RecordAccess },
  changeId: string,
): Promise<ExplainFlowChangeResponse> {
  const { tenantId } = currentCaller();
  const change = await findChange(em, tenantId, changeId);
  const rows = await readForTenant<DecisionRow>(em, {
    sql: `select ${decisionColumns} from flow_decision where tenant_id = $1 and change_id = $2`,
    values: [tenantId, changeId],
  });
  const stored = new Map(rows.map((row) => [`${row.flow_id} ${row.version}`, row]));
  const versions = await decidedVersions(em, tenantId, change.number);
  const unmatched = versions.filter(({ flow_id: flowId, version }) => !stored.has(`${flowId} ${version}`));
  const reasons = await mismatches(records, tenantId, change.facts, unmatched);
  const { recordId } = change.facts;
  const changed = { record_type: camelCase(change.facts.type), record_id: recordId };
  const shows = await access.among([...rows, changed]);
  const flowDecisions = versions.map((each): FlowDecision => {
    const row = stored.get(`${each.flow_id} ${each.version}`);
    if (row) return decisionMessage(row, shows(row));
    const decision = notMatched(each, change, reasons.get(each));
    return shows(changed) ? decision : { ...decision, record: undefined };
  });
  return { flowDecisions };
}

interface FoundChange {
  number: string;
  takeTime: string;
  facts: ChangeFacts;
}

async function findChange(em: EntityManager, tenantId: string, changeId: string): Promise<FoundChange> {
  const [row] = await readForTenant<ChangeRow & { take_time: string | Date }>(em, {
    sql: `select change_id, number::text as number, type, record_id, operation, changed_fields, time, actor, causation_id,
        hop, take_time
      from flow_change where tenant_id = $1 and change_id = $2`,
    values: [tenantId, changeId],
  });
  if (!row) {
    const message = 'The log has no such change, or no flow was active when it came.';
    throw new AppError('NOT_FOUND', 'CHANGE_NOT_FOUND', message);
  }
  const { type, operation, actor, hop } = row;
  const facts = {
    ...{ id: row.change_id, type, recordId: row.record_id, operation, changedFields: row.changed_fields },
    ...{ time: new Date(row.time).toISOString(), actor, causationId: row.causation_id ?? undefined, hop },
  };
  return { number: row.number, takeTime: new Date(row.take_time).toISOString(), facts };
}

function decidedVersions(em: EntityManager, tenantId: string, number: string): Promise<DecidedVersion[]> {
  return readForTenant<DecidedVersion>(em, {
    sql: `select decided.flow_id, decided.version, definition
      from flow_decided decided
      join flow_version on flow_version.tenant_id = $1 and flow_version.flow_id = decided.flow_id
        and flow_version.version = decided.version
      where decided.tenant_id = $1 and $2::bigint between from_number and to_number
      order by decided.flow_id limit 1000`,
    values: [tenantId, number],
  });
}

/** Why versions do not match a change; without those that match it by what is known now. */
async function mismatches(
  records: ChangedRecords,
  tenantId: string,
  change: ChangeFacts,
  versions: readonly DecidedVersion[],
): Promise<Map<DecidedVersion, Mismatch>> {
  const reasons = new Map<DecidedVersion, Mismatch>();
  const open = versions.flatMap((each) => {
    const definition = readDefinition(each.definition);
    const { record, segment } = definition.trigger ?? {};
    const trigger = segment ? memberTrigger(segment) : record;
    const mismatch = trigger && mismatchOf(trigger, change);
    if (mismatch) reasons.set(each, mismatch);
    return trigger && !mismatch ? [{ each, definition, trigger, segment }] : [];
  });
  if (open.length === 0) return reasons;
  const around = await records.around(tenantId, [change], open.flatMap(filtersOf));
  const record = around.get(change.id);
  for (const { each, segment, ...flow } of open) {
    const mismatch = record && (segment ? memberMismatch(segment, flow, record) : matchMismatch(flow, change, record));
    if (mismatch) reasons.set(each, mismatch);
  }
  return reasons;
}

/** A member that the segment of the trigger has, and whose customer has started no run: the condition was not true then. */
function memberMismatch(
  segment: SegmentTrigger,
  { definition: { condition } }: Pick<RecordFlow, 'definition'>,
  around: RecordAround,
): Mismatch | undefined {
  if (customerOfMember(segment, around) === undefined) return 'SEGMENT';
  return condition === undefined ? undefined : 'CONDITION';
}

function notMatched(
  { flow_id: flowId, version }: DecidedVersion,
  { facts, takeTime }: FoundChange,
  reason: Mismatch | undefined,
): FlowDecision {
  return {
    ...{ flowId, version, changeId: facts.id, time: takeTime, runId: undefined, reason },
    record: { type: facts.type, id: facts.recordId },
    outcome: FlowDecisionOutcome.NOT_MATCHED,
    explanation: reason ? explanations[reason] : 'The values of the record at the change are no longer known.',
  };
}
