import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { endEnrollment, type ExitReason } from '../enrollments/end-enrollment.js';
import type { JsonObject } from '../effects/effect-port.js';
import { resumeWait } from './note-events.js';
import type { RunHooks } from './run-hooks.js';

/** States in which a run has ended. What a FAILED run waits for stays, since it can continue. */
export type EndState = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'COMPENSATED' | 'EXITED';

export interface EndParts {
  envelope: SecretEnvelope;
  hooks: RunHooks;
}

interface EndedRun {
  flow_id: string;
  concurrency_hash: Buffer | null;
  parent_run_id: string | null;
  parent_path: string | null;
}

/**
 * Ends a run: nothing wakes it any more, its parent goes on, and so does the run that has waited for its key of
 * concurrency. Runs in a transaction that has locked the run's job, and whose tenant is set.
 *
 * @param end.variables which a waiting parent reads
 * @param end.exitReason why its customer leaves the flow. By default, the state says why
 */
export async function endRun(
  client: ClientBase,
  { envelope, hooks }: EndParts,
  end: { tenantId: string; runId: string; state: EndState; variables: JsonObject; exitReason?: ExitReason },
): Promise<void> {
  const { tenantId, runId, state, variables, exitReason } = end;
  const [ended] = await pipeline(client, [
    {
      name: 'end_flow_run',
      sql: `with ended as (
          update flow_run set state = $3, end_time = clock_timestamp(), wake_time = null, is_queued = false,
            waiting_for = case when $3 = 'FAILED' then waiting_for end
          where tenant_id = $1 and id = $2
          returning flow_id, concurrency_hash, parent_run_id, parent_path, backfill_id),
        noted as (
          insert into flow_backfill_end (tenant_id, backfill_id, outcome, was_held)
          select $1, backfill.backfill_id, $3, job.held_number is not null
          from ended join flow_backfill_job backfill on backfill.backfill_id = ended.backfill_id
          left join flow_job job on job.run_id = $2)
        select * from ended`,
      values: [tenantId, runId, state],
    },
    { name: 'delete_flow_job', sql: 'delete from flow_job where run_id = $1', values: [runId] },
    endEnrollment(tenantId, runId, exitReason ?? reasonOf(state)),
    ...(state === 'FAILED' ? [] : forgetWaits(tenantId, runId)),
  ]);
  const run = ended?.rows[0] as EndedRun | undefined;
  if (!run) throw new Error(`There is no run ${runId}.`);
  if (state !== 'FAILED') await hooks.closeApprovals(client, tenantId, runId);
  if (run.parent_run_id && run.parent_path) {
    const output = { runId, state, variables };
    await resumeWait(client, envelope, { tenantId, runId: run.parent_run_id, path: run.parent_path, output });
  }
  if (run.concurrency_hash) await releaseQueued(client, tenantId, run.flow_id, run.concurrency_hash);
}

/** Why the customer of a run leaves with its end; undefined for one that has completed the flow. */
function reasonOf(state: EndState): ExitReason | undefined {
  switch (state) {
    case 'SUCCEEDED':
      return undefined;
    case 'FAILED':
    case 'COMPENSATED':
      return 'FAILED';
    default:
      return 'MANUAL';
  }
}

function forgetWaits(tenantId: string, runId: string) {
  const values = [tenantId, runId];
  return [
    {
      name: 'cancel_flow_steps',
      sql: `update flow_step_run set state = 'CANCELLED', end_time = clock_timestamp()
        where tenant_id = $1 and run_id = $2 and end_time is null`,
      values,
    },
    { name: 'delete_flow_waits', sql: 'delete from flow_wait where tenant_id = $1 and run_id = $2', values },
    { name: 'delete_flow_events', sql: 'delete from flow_event where tenant_id = $1 and run_id = $2', values },
  ];
}

/** Lets the run go on that has waited longest for a key. Its job waits for this transaction, if it is claimed. */
export async function releaseQueued(client: ClientBase, tenantId: string, flowId: string, hash: Buffer): Promise<void> {
  await client.query({
    name: 'release_queued_flow_run',
    text: `with next as (
        select id from flow_run where tenant_id = $1 and flow_id = $2 and concurrency_hash = $3 and is_queued
        order by id limit 1),
      released as (
        update flow_run set is_queued = false, wake_time = null,
          state = case when exists (select from flow_job job where job.run_id = next.id and job.held_number is not null)
            then 'WAITING' else 'RUNNING' end
        from next
        where flow_run.tenant_id = $1 and flow_run.id = next.id
          and not exists (select from flow_run other where other.tenant_id = $1 and other.flow_id = $2
            and other.concurrency_hash = $3 and other.end_time is null and not other.is_queued)
        returning flow_run.id)
      update flow_job set due_time = clock_timestamp() from released where run_id = released.id`,
    values: [tenantId, flowId, hash],
  });
}

/**
 * Locks the job of a run against its worker, after the lock of its key of concurrency: in the same order everywhere.
 *
 * @returns false when the run has ended
 */
export async function lockRun(client: ClientBase, tenantId: string, runId: string): Promise<boolean> {
  const { rows } = await client.query<{ flow_id: string; concurrency_hash: Buffer | null }>(
    'select flow_id, concurrency_hash from flow_run where tenant_id = $1 and id = $2',
    [tenantId, runId],
  );
  const [run] = rows;
  if (run?.concurrency_hash) await lockConcurrency(client, run.flow_id, run.concurrency_hash);
  const jobs = await client.query('select from flow_job where run_id = $1 for update', [runId]);
  return jobs.rowCount === 1;
}

/** Serializes starts and ends of runs with the same key. */
export async function lockConcurrency(client: ClientBase, flowId: string, hash: Buffer): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `flow_run ${flowId} ${hash.toString('hex')}`,
  ]);
}
