import type { EntityManager } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';

/** A run that this process advances. */
export interface ClaimedRun {
  tenantId: string;
  runId: string;
  /** Distinguishes this claim of the run from all others. */
  claimId: string;
}

export interface NewClaim extends ClaimedRun {
  /** How long the run had been due. */
  lateSeconds: number;
}

export interface RunRoom {
  /** Maximum number of runs in all. */
  total: number;
  /** Maximum number of runs of a tenant that is not in `tenants`. */
  perTenant: number;
  /** Maximum number of runs of tenants with claimed ones. */
  tenants: ReadonlyMap<string, number>;
}

/**
 * Claims due runs: of each tenant in turn, the longest due. So a tenant with a million runs does not starve the others.
 * A run that its process does not release is due again after `leaseMs`.
 */
export async function claimRuns(em: EntityManager, room: RunRoom, leaseMs: number): Promise<NewClaim[]> {
  const { total, perTenant, tenants } = room;
  const claimId = uuidv7();
  const values = [total, perTenant, [...tenants.keys()], [...tenants.values()], claimId, leaseMs];
  const { rows } = await withConnection(em, (client) =>
    client.query<{ tenant_id: string; run_id: string; late_seconds: number }>({
      name: 'claim_flow_runs',
      text: claimQuery,
      values,
    }),
  );
  return rows.map((row) => ({
    ...{ tenantId: row.tenant_id, runId: row.run_id, claimId, lateSeconds: Math.max(0, row.late_seconds) },
  }));
}

/** Makes a claimed run due at once, for another process. */
export async function releaseRun(em: EntityManager, { runId, claimId }: ClaimedRun): Promise<void> {
  await withConnection(em, (client) =>
    client.query({
      name: 'release_claimed_flow_job',
      text: 'update flow_job set claim_id = null, due_time = clock_timestamp() where run_id = $1 and claim_id = $2',
      values: [runId, claimId],
    }),
  );
}

/** A loose index scan finds the tenants with runs that have not ended. */
const withTenants = `
  with recursive tenant (id) as (
    (select tenant_id from flow_job where not is_frozen order by tenant_id limit 1)
    union all
    select next.tenant_id from tenant
    cross join lateral (
      select tenant_id from flow_job where tenant_id > tenant.id and not is_frozen order by tenant_id limit 1) next
  )`;

/**
 * The time that due times are compared with: a subquery, which is evaluated once. `clock_timestamp()` itself can not bound a scan of an
 * index, so a statement would read all runs of a tenant that wait, to find that none of them is due.
 */
const atPresent = '(select clock_timestamp())';

/** The condition of `DueWork` for runs of flows. */
export const areRunsDue = `exists (
  ${withTenants}
  select from tenant cross join lateral (
    select from flow_job
    where tenant_id = tenant.id and not is_frozen and not is_paused and due_time <= ${atPresent} limit 1) job)`;

// Each tenant gets a first run, then each a second one, in random order within a round, so that no tenant is always last.
const claimQuery = `
  ${withTenants},
  due as (
    select job.run_id, job.due_time, row_number() over (partition by tenant.id order by job.due_time) as round
    from tenant left join unnest($3::uuid[], $4::int[]) as busy (id, room) on busy.id = tenant.id
    cross join lateral (
      select run_id, due_time from flow_job
      where tenant_id = tenant.id and not is_frozen and not is_paused and due_time <= ${atPresent}
      order by due_time limit coalesce(busy.room, $2) for update skip locked) job
  ),
  chosen as (select run_id, due_time from due order by round, random() limit $1)
  update flow_job job set claim_id = $5, due_time = clock_timestamp() + make_interval(secs => $6 / 1000.0)
  from chosen where job.run_id = chosen.run_id
  returning job.tenant_id, job.run_id,
    extract(epoch from clock_timestamp() - chosen.due_time)::double precision as late_seconds`;

/** Delays of the longest due run, time of a flow and notice of an approval, in seconds. */
export interface FlowDelays {
  runs: number;
  clocks: number;
  notices: number;
}

/** The delays of all tenants. */
export async function flowDelays(em: EntityManager): Promise<FlowDelays> {
  const { rows } = await withConnection(em, (client) =>
    client.query<FlowDelays>({ name: 'flow_delays', text: delaysQuery }),
  );
  return rows[0] ?? { runs: 0, clocks: 0, notices: 0 };
}

/** 0 for a time to come, and for none. */
const secondsSince = (time: string) => `greatest(extract(epoch from clock_timestamp() - ${time}), 0)::double precision`;

const delaysQuery = `
  ${withTenants}
  select
    (select ${secondsSince('min(job.due_time)')} from tenant cross join lateral (
      select due_time from flow_job where tenant_id = tenant.id and not is_frozen and not is_paused
      order by due_time limit 1) job) as runs,
    (select ${secondsSince('min(due_time)')} from flow_clock) as clocks,
    (select ${secondsSince('min(due_time)')} from flow_notice) as notices`;
