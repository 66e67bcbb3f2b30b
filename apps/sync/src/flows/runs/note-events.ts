import { pipeline, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { JsonObject } from '../effects/effect-port.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { RunEvent } from './new-run.js';
import { sealContent } from './run-content.js';

/** Most events that a run keeps for one step: a step in a loop takes one after the other. */
const maxKept = 100;

/** A `listen` step's interest in changes, as flow_wait has it. */
export interface ChangeWait {
  runId: string;
  stepKey: string;
  eventKey: string;
  /** Null for all records of the type. */
  recordId: string | null;
  /** Condition in CEL over `record`, `before` and `change`; null for all changes. */
  match: string | null;
}

/**
 * The waits for changes of records of a type, up to a limit for each record. Runs in the transaction that moves the
 * cursor, whose tenant is set: a run that started at an earlier position is found, a later one is not.
 *
 * @param change the type and id of its record, and its time
 */
export async function waitsForChange(
  client: ClientBase,
  tenantId: string,
  change: { type: string; recordId: string; time: string },
): Promise<ChangeWait[]> {
  const { rows } = await client.query<ChangeWait>({
    name: 'flow_waits_for_change',
    text: `select run_id as "runId", step_key as "stepKey", event_key as "eventKey", record_id as "recordId", match
      from flow_wait
      where tenant_id = $1 and kind = 'CHANGE' and record_type = $2 and (record_id = $3 or record_id is null)
        and since_time <= $4
      order by run_id, step_key, event_key`,
    values: [tenantId, change.type, change.recordId, change.time],
  });
  return rows;
}

/**
 * Stores events for runs and makes the runs due, in a transaction of the caller, whose tenant is set. An event that was
 * stored before is ignored, so that changes can be taken again. Events of ended runs are too.
 *
 * @returns the ids of the runs that are due
 */
export async function noteEvents(
  client: ClientBase,
  envelope: SecretEnvelope,
  events: readonly RunEvent[],
): Promise<string[]> {
  const statements = eventStatements(envelope, events);
  if (!statements) return [];
  const [, , due] = await pipeline(client, statements);
  return (due?.rows ?? []).map(({ run_id: runId }: { run_id: string }) => runId);
}

/**
 * What `noteEvents` sends. The tables seem small until they have statistics, and then EXISTS reads all runs of a tenant for each event: a
 * limit in its place lets only the primary key find a run.
 */
export function eventStatements(envelope: SecretEnvelope, events: readonly RunEvent[]): Statement[] | undefined {
  const [first] = events;
  if (!first) return undefined;
  const { tenantId } = first;
  const runIds = [...new Set(events.map(({ runId }) => runId))].sort();
  const rows = events.map(({ runId, target, eventKey, eventId, time, data }) => {
    const sealed = sealContent(envelope, { tenantId, part: 'flow_event', id: runId }, data);
    return {
      run_id: runId,
      target,
      event_key: eventKey,
      event_id: eventId,
      event_time: time,
      sealed: sealed.toString('hex'),
    };
  });
  return [
    // The order against a worker that stores the run: it sees the event, or it has released the run before.
    { sql: 'select from flow_job where run_id = any ($1) order by run_id for update', values: [runIds] },
    {
      sql: `insert into flow_event (tenant_id, run_id, target, event_key, event_id, event_time, sealed_data)
        select $1, run_id, target, event_key, event_id, event_time, decode(sealed, 'hex')
        from jsonb_to_recordset($2) as wanted
          (run_id uuid, target text, event_key text, event_id text, event_time timestamptz, sealed text)
        where (select run.state in ('RUNNING', 'WAITING', 'FAILED', 'UNCERTAIN') from flow_run run
            where run.tenant_id = $1 and run.id = wanted.run_id limit 1)
          and (select count(*) from flow_event kept where kept.tenant_id = $1 and kept.run_id = wanted.run_id
            and kept.target = wanted.target) < ${maxKept}
        on conflict do nothing`,
      values: [tenantId, JSON.stringify(rows)],
    },
    {
      // A claimed run is not due before its worker has stored it, which then sees the event.
      sql: `update flow_job set due_time = least(due_time, clock_timestamp())
        where run_id = any ($1) and claim_id is null returning run_id`,
      values: [runIds],
    },
  ];
}

/**
 * Ends the wait of a step with its output, such as the decision of an approval, in a transaction of the caller, whose
 * tenant is set. The first output counts.
 *
 * @param wait.path of the step in the run
 */
export async function resumeWait(
  client: ClientBase,
  envelope: SecretEnvelope,
  wait: { tenantId: string; runId: string; path: string; output: JsonObject },
): Promise<void> {
  const { tenantId, runId, path, output } = wait;
  const time = new Date().toISOString();
  await noteEvents(client, envelope, [
    { tenantId, runId, target: path, eventKey: '', eventId: 'answer', time, data: output },
  ]);
}
