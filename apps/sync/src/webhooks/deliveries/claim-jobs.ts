import { withConnection } from '@rapport/persistence';
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuidv7 } from 'uuid';

/** A delivery of which this process makes the next attempt. */
export interface Job {
  tenantId: string;
  endpointId: string;
  deliveryId: string;
  /** Distinguishes this claim of the job from all others. */
  claimId: string;
}

export interface Room {
  /** Maximum number of jobs in all. */
  total: number;
  /** Maximum number of jobs of an endpoint that is not in `endpoints`. */
  perEndpoint: number;
  /** Maximum number of jobs of endpoints with attempts in progress. */
  endpoints: ReadonlyMap<string, number>;
  /** Maximum number of jobs of a tenant that is not in `tenants`. */
  perTenant: number;
  /** Maximum number of jobs of tenants with attempts in progress. */
  tenants: ReadonlyMap<string, number>;
}

/** The condition of `DueWork` for deliveries, due or not. */
export const areThereDeliveries = 'exists (select from webhook_job)';

/** Whether there is any job, due or not. Costs a fraction of a claim that finds none. */
export async function areThereJobs(em: EntityManager): Promise<boolean> {
  const { rows } = await withConnection(em, (client) =>
    client.query({
      name: 'are_there_webhook_jobs',
      text: 'select from webhook_job order by endpoint_id limit 1',
    }),
  );
  return rows.length > 0;
}

/**
 * Claims due jobs: of each tenant in turn, the oldest jobs of each of its endpoints, within their limits. So a tenant
 * with a million jobs does not starve the others. An unfinished job is due again after `leaseMs`.
 */
export async function claimJobs(em: EntityManager, room: Room, leaseMs: number): Promise<Job[]> {
  const { total, perEndpoint, endpoints, perTenant, tenants } = room;
  const claimId = uuidv7();
  const values = [
    ...[total, perEndpoint, [...endpoints.keys()], [...endpoints.values()]],
    ...[perTenant, [...tenants.keys()], [...tenants.values()], claimId, leaseMs],
  ];
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

/** Ids of the claims that have ended: their endpoint was disabled or deleted, or another process has claimed the job since. */
export async function endedClaims(em: EntityManager, jobs: readonly Job[]): Promise<Set<string>> {
  const { rows } = await withConnection(em, (client) =>
    client.query<{ delivery_id: string }>({
      name: 'ended_webhook_claims',
      text: `select delivery_id from unnest($1::uuid[], $2::uuid[]) as given (delivery_id, claim_id)
        where not exists (
          select from webhook_job job where job.delivery_id = given.delivery_id and job.claim_id = given.claim_id)`,
      values: [jobs.map(({ deliveryId }) => deliveryId), jobs.map(({ claimId }) => claimId)],
    }),
  );
  return new Set(rows.map((row) => row.delivery_id));
}

// A loose index scan finds the endpoints with jobs. Each tenant gets a first one, then each a second one, in random
// order within a round, so that no tenant is always last.
const claimQuery = `
  with recursive endpoint (id, tenant_id) as (
    (select endpoint_id, tenant_id from webhook_job order by endpoint_id limit 1)
    union all
    select next.endpoint_id, next.tenant_id from endpoint
    cross join lateral (
      select job.endpoint_id, job.tenant_id from webhook_job job
      where job.endpoint_id > endpoint.id order by job.endpoint_id limit 1) next
  ),
  turn as (
    select id, tenant_id, row_number() over (partition by tenant_id order by random()) as round, random() as chance
    from endpoint
    where not exists (
      select from webhook_hold where endpoint_id = endpoint.id and hold_until > clock_timestamp())
  ),
  found as (
    select job.delivery_id, turn.tenant_id, row_number() over () as place
    from (select * from turn order by round, chance) turn
    left join unnest($3::uuid[], $4::int[]) as busy (id, room) on busy.id = turn.id
    left join unnest($6::uuid[], $7::int[]) as tenant (id, room) on tenant.id = turn.tenant_id
    cross join lateral (
      select delivery_id from webhook_job
      where endpoint_id = turn.id and due_time <= (select clock_timestamp())
      order by due_time limit least(coalesce(busy.room, $2), coalesce(tenant.room, $5)) for update skip locked) job
    limit $1
  ),
  due as (
    select delivery_id from (
      select found.delivery_id, coalesce(tenant.room, $5) as room,
        row_number() over (partition by found.tenant_id order by found.place) as place
      from found left join unnest($6::uuid[], $7::int[]) as tenant (id, room) on tenant.id = found.tenant_id) ranked
    where place <= room
  )
  update webhook_job job set claim_id = $8, due_time = clock_timestamp() + make_interval(secs => $9 / 1000.0)
  from due where job.delivery_id = due.delivery_id
  returning job.tenant_id, job.endpoint_id, job.delivery_id`;
