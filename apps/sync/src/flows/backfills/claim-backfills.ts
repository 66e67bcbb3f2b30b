import type { EntityManager } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';

/** A backfill whose turn it is. */
export interface BackfillJob {
  backfillId: string;
  tenantId: string;
  flowId: string;
}

/** The condition of `DueWork` for backfills. */
export const areBackfillsDue = 'exists (select from flow_backfill_job where due_time <= (select clock_timestamp()))';

/**
 * Claims due backfills, the first of each tenant before the second ones. One that a process leaves is due again after `leaseMs`.
 */
export async function claimBackfills(em: EntityManager, most: number, leaseMs: number): Promise<BackfillJob[]> {
  const { rows } = await withConnection(em, (client) =>
    client.query<BackfillJob>({
      name: 'claim_flow_backfills',
      text: `with due as (
          select backfill_id, row_number() over (partition by tenant_id order by due_time) as turn
          from flow_backfill_job where due_time <= clock_timestamp()),
        chosen as (
          select job.backfill_id from flow_backfill_job job join due using (backfill_id)
          where due_time <= clock_timestamp() order by turn, random() limit $1 for update of job skip locked)
        update flow_backfill_job job set due_time = clock_timestamp() + make_interval(secs => $2 / 1000.0)
        from chosen where job.backfill_id = chosen.backfill_id
        returning job.backfill_id as "backfillId", job.tenant_id as "tenantId", job.flow_id as "flowId"`,
      values: [most, leaseMs],
    }),
  );
  return rows;
}

/** Milliseconds until the next backfill is due; undefined when there is none. */
export async function untilDueMs(em: EntityManager): Promise<number | undefined> {
  const { rows } = await withConnection(em, (client) =>
    client.query<{ ms: number }>({
      name: 'next_flow_backfill',
      text: `select greatest(extract(epoch from due_time - clock_timestamp()) * 1000, 0)::double precision as ms
        from flow_backfill_job order by due_time limit 1`,
    }),
  );
  return rows[0]?.ms;
}

/** Seconds since the backfill that has waited longest has started a run, though it could. */
export async function standingSeconds(em: EntityManager): Promise<number> {
  const { rows } = await withConnection(em, (client) =>
    client.query<{ seconds: number }>({
      name: 'standing_flow_backfills',
      text: `select coalesce(greatest(extract(epoch from clock_timestamp() - min(progress_time)), 0), 0)::double precision as seconds
        from flow_backfill_job`,
    }),
  );
  return rows[0]?.seconds ?? 0;
}
