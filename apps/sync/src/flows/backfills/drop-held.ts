import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { lockConcurrency, releaseQueued } from '../runs/end-runs.js';

interface HeldRun {
  id: string;
  flow_id: string;
  hash: string | null;
}

/**
 * Deletes runs that a cancelled backfill holds: the decisions about their changes become SUPPRESSED, and their customers have not
 * entered the flow. Runs in a transaction whose tenant is set.
 *
 * @returns how many were deleted, and whether there were any: a call can cancel one of them meanwhile
 */
export async function dropHeld(
  client: ClientBase,
  { tenantId, backfillId }: { tenantId: string; backfillId: string },
  most: number,
): Promise<{ dropped: number; hadSome: boolean }> {
  const { rows: held } = await client.query<HeldRun>({
    name: 'held_flow_runs_to_drop',
    text: `select run.id, run.flow_id, encode(concurrency_hash, 'hex') as hash
      from flow_job job join flow_run run on run.tenant_id = $1 and run.id = job.run_id
      where job.backfill_id = $2 and held_number is not null order by held_number limit $3`,
    values: [tenantId, backfillId, most],
  });
  const keys = new Map(held.flatMap((run) => (run.hash === null ? [] : [[run.hash, run.flow_id] as const])));
  // In one order, and before the jobs, as everywhere.
  const hashes = [...keys.keys()].sort();
  for (const hash of hashes) await lockConcurrency(client, keys.get(hash) ?? '', Buffer.from(hash, 'hex'));
  const { rows } = await client.query<{ run_id: string }>({
    name: 'drop_held_flow_jobs',
    text: 'delete from flow_job where run_id = any ($1) and held_number is not null returning run_id',
    values: [held.map(({ id }) => id)],
  });
  const values = [tenantId, rows.map(({ run_id: runId }) => runId)];
  await pipeline(client, [
    { name: 'suppress_dropped_flow_runs', sql: suppressDecisions, values },
    {
      name: 'delete_dropped_flow_enrollments',
      sql: 'delete from flow_enrollment where tenant_id = $1 and run_id = any ($2)',
      values,
    },
    { name: 'delete_dropped_flow_runs', sql: 'delete from flow_run where tenant_id = $1 and id = any ($2)', values },
  ]);
  for (const hash of hashes) await releaseQueued(client, tenantId, keys.get(hash) ?? '', Buffer.from(hash, 'hex'));
  return { dropped: rows.length, hadSome: held.length > 0 };
}

const suppressDecisions = `
  with changed as (
    update flow_decision decision set outcome = 'SUPPRESSED', reason = 'BACKFILL_CANCELLED', run_id = null,
      explanation = 'The backfill was cancelled before the run began.'
    from flow_run run
    where run.tenant_id = $1 and run.id = any ($2) and decision.tenant_id = $1 and decision.run_id = run.id
      and decision.change_id = run.cause_change_id::uuid
    returning decision.flow_id, decision.version, decision.number),
  counted as (
    select range.flow_id, range.version, range.from_number, count(*)::int as changes
    from changed join flow_decided range on range.tenant_id = $1 and range.flow_id = changed.flow_id
      and range.version = changed.version and changed.number between range.from_number and range.to_number
    group by range.flow_id, range.version, range.from_number)
  update flow_decided decided
  set started = decided.started - changes, suppressed = decided.suppressed + changes
  from counted where decided.tenant_id = $1 and decided.flow_id = counted.flow_id
    and decided.version = counted.version and decided.from_number = counted.from_number`;
