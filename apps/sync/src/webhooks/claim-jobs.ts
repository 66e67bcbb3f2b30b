import { withConnection } from '@rapport/persistence';
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuidv7 } from 'uuid';

/** A delivery of which this process makes the next attempt. */
export interface Job {
  tenantId: string;
  endpointId: string;
  deliveryId: string;
  /** Tells this taking of the job from every other. */
  claimId: string;
}

export interface Room {
  /** Most jobs in all. */
  total: number;
  /** Most jobs of an endpoint that is not among `busy`. */
  perEndpoint: number;
  /** Most jobs of those endpoints that have some under way already. */
  busy: ReadonlyMap<string, number>;
}

/**
 * Takes jobs that are due: of each endpoint the oldest, and of none more than it has room for, so that one with a million of
 * them leaves the others their turn. A job that nobody finishes is due again after `leaseMs`.
 */
export async function claimJobs(
  em: EntityManager,
  { total, perEndpoint, busy }: Room,
  leaseMs: number,
): Promise<Job[]> {
  const claimId = uuidv7();
  const values = [total, perEndpoint, [...busy.keys()], [...busy.values()], claimId, leaseMs, crypto.randomUUID()];
  const { rows } = await withConnection(em, (client) =>
    client.query<{ tenant_id: string; endpoint_id: string; delivery_id: string }>({
      name: 'claim_webhook_jobs',
      text: claimQuery,
      values,
    }),
  );
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    endpointId: row.endpoint_id,
    deliveryId: row.delivery_id,
    claimId,
  }));
}

// The endpoints that have jobs are found by jumps in the index, and begin at a place of chance: no one is always last.
const claimQuery = `
  with recursive endpoint (id) as (
    (select endpoint_id from webhook_job order by endpoint_id limit 1)
    union all
    select (select job.endpoint_id from webhook_job job where job.endpoint_id > endpoint.id order by job.endpoint_id limit 1)
    from endpoint where endpoint.id is not null
  ),
  due as (
    select job.delivery_id
    from (select id from endpoint where id is not null order by id < $7::uuid, id) turn
    left join unnest($3::uuid[], $4::int[]) as busy (id, room) on busy.id = turn.id
    cross join lateral (
      select delivery_id from webhook_job
      where endpoint_id = turn.id and due_time <= clock_timestamp()
      order by due_time limit coalesce(busy.room, $2) for update skip locked) job
    limit $1
  )
  update webhook_job job set claim_id = $5, due_time = clock_timestamp() + make_interval(secs => $6 / 1000.0)
  from due where job.delivery_id = due.delivery_id
  returning job.tenant_id, job.endpoint_id, job.delivery_id`;
