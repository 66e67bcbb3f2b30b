import { pipeline, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { ChangeFacts } from './match-trigger.js';

/** A change with its number among those of its tenant. */
export interface NumberedChange extends ChangeFacts {
  number: number;
}

/** What a version has decided about a change that it matched. */
export interface Decision {
  flowId: string;
  version: number;
  change: NumberedChange;
  /** Type of the record as in triggers. */
  recordType: string;
  outcome: 'STARTED' | 'SUPPRESSED';
  reason?: string;
  explanation?: string;
  runId?: string;
}

/**
 * Numbers the changes of a tenant, in order and without gaps. Runs in the transaction that takes them, whose tenant is
 * set. Changes that were taken before are left out, so that a feed that is read again decides nothing again.
 */
export async function numberChanges(
  client: ClientBase,
  tenantId: string,
  changes: readonly ChangeFacts[],
): Promise<NumberedChange[]> {
  const { rows } = await client.query<{ change_id: string; number: string }>({
    name: 'number_flow_changes',
    text: `with given as (
        select row_number() over (order by place) as place, id, type, record_id, operation, changed_fields, time, actor,
          causation_id, hop
        from rows from (jsonb_to_recordset($2) as (id uuid, type text, "recordId" text, operation text,
            "changedFields" text[], time timestamptz, actor text, "causationId" text, hop int))
          with ordinality as change
          (id, type, record_id, operation, changed_fields, time, actor, causation_id, hop, place)
        where not exists (select from flow_change known where known.tenant_id = $1 and known.change_id = change.id)),
      last as (
        insert into flow_change_number as counter (tenant_id, last_number) values ($1, (select count(*) from given))
        on conflict (tenant_id) do update set last_number = counter.last_number + excluded.last_number
        returning last_number)
      insert into flow_change (tenant_id, change_id, number, type, record_id, operation, changed_fields, time, actor,
        causation_id, hop)
      select $1, id, last.last_number - (select count(*) from given) + place, type, record_id, operation,
        changed_fields, time, actor, causation_id, hop
      from given, last
      returning change_id, number`,
    values: [tenantId, JSON.stringify(changes)],
  });
  const numbers = new Map(rows.map(({ change_id: id, number }) => [id, Number(number)]));
  return changes.flatMap((change) => {
    const number = numbers.get(change.id);
    return number === undefined ? [] : [{ ...change, number }];
  });
}

/** Stores decisions, oldest first. */
function insertDecisions(tenantId: string, decisions: readonly Decision[]): Statement {
  const rows = decisions.map(({ flowId, version, change, recordType, outcome, reason, explanation, runId }) => ({
    ...{ id: uuidv7(), flow_id: flowId, version, number: change.number, change_id: change.id, outcome },
    ...{ record_type: recordType, record_id: change.recordId, reason, explanation, run_id: runId },
  }));
  return {
    name: 'insert_flow_decisions',
    sql: `insert into flow_decision (tenant_id, id, flow_id, version, number, change_id, record_type, record_id, outcome,
        reason, explanation, run_id, decide_time)
      select $1, id, flow_id, version, number, change_id, record_type, record_id, outcome, reason, explanation, run_id,
        clock_timestamp()
      from jsonb_to_recordset($2) as decision (id uuid, flow_id uuid, version int, number bigint, change_id uuid,
        record_type text, record_id text, outcome text, reason text, explanation text, run_id uuid)`,
    values: [tenantId, JSON.stringify(rows)],
  };
}

/** Counts of a version about a batch of changes. */
export interface BatchCounts {
  flowId: string;
  version: number;
  started: number;
  suppressed: number;
}

/** Extends the ranges of changes that versions have decided about, or begins new ones. */
function extendRanges(
  tenantId: string,
  { from, to }: { from: number; to: number },
  counts: readonly BatchCounts[],
): Statement {
  return {
    name: 'extend_decided_ranges',
    sql: `with given as (
        select flow_id, version, started, suppressed, $3::bigint - $2 + 1 - started - suppressed as not_matched
        from jsonb_to_recordset($4) as counted (flow_id uuid, version int, started int, suppressed int)),
      extended as (
        update flow_decided known set to_number = $3, started = known.started + given.started,
          suppressed = known.suppressed + given.suppressed, not_matched = known.not_matched + given.not_matched
        from given
        where known.tenant_id = $1 and known.flow_id = given.flow_id and known.version = given.version
          and known.to_number = $2 - 1
        returning known.flow_id, known.version)
      insert into flow_decided (tenant_id, flow_id, version, from_number, to_number, started, suppressed, not_matched)
      select $1, flow_id, version, $2, $3, started, suppressed, not_matched from given
      where (flow_id, version) not in (select flow_id, version from extended)`,
    values: [
      ...[tenantId, from, to],
      JSON.stringify(counts.map(({ flowId, ...rest }) => ({ flow_id: flowId, ...rest }))),
    ],
  };
}

/**
 * Stores the decisions about a batch of changes, and counts it in the ranges of all active versions.
 *
 * @param further statements of the same round trip
 */
export async function recordDecisions(
  client: ClientBase,
  tenantId: string,
  { changes, decisions, versions }: RecordedBatch,
  further: readonly Statement[] = [],
): Promise<void> {
  const [first, last] = [changes[0], changes.at(-1)];
  if (!first || !last) return;
  const counts = versions.map(({ flowId, version }) => {
    const own = decisions.filter((decision) => decision.flowId === flowId && decision.version === version);
    const started = own.filter(({ outcome }) => outcome === 'STARTED').length;
    return { flowId, version, started, suppressed: own.length - started };
  });
  await pipeline(client, [
    ...(decisions.length > 0 ? [insertDecisions(tenantId, decisions)] : []),
    extendRanges(tenantId, { from: first.number, to: last.number }, counts),
    ...further,
  ]);
}

interface RecordedBatch {
  changes: readonly NumberedChange[];
  decisions: readonly Decision[];
  versions: readonly { flowId: string; version: number }[];
}
