import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';

/**
 * Begins runs that a backfill holds, in the order of their changes. Runs in a transaction that has locked the starts of the
 * flow, and whose tenant is set.
 *
 * @returns how many have begun
 */
export async function releaseHeld(
  client: ClientBase,
  { tenantId, backfillId }: { tenantId: string; backfillId: string },
  most: number,
): Promise<number> {
  // In the order of ids, as everywhere that locks several jobs.
  const { rows } = await client.query<{ run_id: string; held_number: string }>({
    name: 'lock_held_flow_jobs',
    text: `select run_id, held_number from flow_job
      where held_number is not null and run_id in (
        select run_id from flow_job where backfill_id = $1 and held_number is not null order by held_number limit $2)
      order by run_id for update`,
    values: [backfillId, most],
  });
  const held = rows.toSorted((one, other) => Number(one.held_number) - Number(other.held_number));
  const runIds = held.map(({ run_id: runId }) => runId);
  if (runIds.length === 0) return 0;
  // A statement of its own, which sees what a transaction that had locked the jobs has done. One that ends a run with the same key
  // of concurrency has locked the run, and makes it due after this transaction: a queued run is left as it is.
  await pipeline(client, [
    {
      name: 'begin_held_flow_runs',
      sql: `with wanted as (select run_id, place from unnest($2::uuid[]) with ordinality as wanted (run_id, place)),
          begun as (
            update flow_run set state = 'RUNNING', start_time = clock_timestamp(),
              max_time = clock_timestamp() + (max_time - start_time)
            where tenant_id = $1 and id = any ($2) and not is_queued returning id)
        update flow_job job set held_number = null, is_frozen = false, is_in_bulk = begun.id is not null, claim_id = null,
          due_time = case when begun.id is null then run.max_time
            else clock_timestamp() + make_interval(secs => place / 1000.0) end
        from wanted join flow_run run on run.tenant_id = $1 and run.id = wanted.run_id
        left join begun on begun.id = wanted.run_id
        where job.run_id = wanted.run_id`,
      values: [tenantId, runIds],
    },
  ]);
  return runIds.length;
}
