import type { EntityManager } from '@mikro-orm/postgresql';
import { withConnection } from '../connections/pooled-connection.js';
import type { Statement } from '../driver/pipeline.js';
import { transactionPipeline } from '../writes/transaction-pipeline.js';
import type { FiringTimer } from './timer.js';

/** Due timers that a look reads, before it looks for tenants behind them. */
const headSize = 500;

/** How long timers that fired or were cancelled are kept, as an explanation. */
const keptDays = 7;

export interface DueTenants {
  tenantIds: string[];
  /** Whether more is due than was read, so that tenants with little due may be behind one with much. */
  isCut: boolean;
  isShifted: boolean;
}

/** Tenants of the timers that are due for longest. Every process asks each second, nearly always in vain: the plan is kept. */
export async function dueTenants(em: EntityManager): Promise<DueTenants> {
  const { rows } = await withConnection(em, (client) =>
    client.query<{ tenant_id: string | null; due: string; shifted: boolean }>({
      name: 'due_timer_tenants',
      text: `with head as (select tenant_id, next_time from timer_job where next_time <= rapport_clock() order by next_time limit ${headSize}),
         due as (select tenant_id, min(next_time) as first, count(*) as due from head group by tenant_id)
         select due.tenant_id, coalesce(due.due, 0) as due, exists(select from clock_shift) as shifted
         from (select) one left join due on true order by due.first`,
    }),
  );
  return {
    tenantIds: rows.flatMap(({ tenant_id }) => tenant_id ?? []),
    isCut: rows.reduce((sum, { due }) => sum + Number(due), 0) >= headSize,
    isShifted: rows[0]?.shifted === true,
  };
}

/** Tenants with due timers in the order of their ids, after one: a probe of the index for each tenant with timers. */
export async function dueTenantsAfter(em: EntityManager, tenantId: string, limit: number): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `with recursive tenant (id) as (
       (select tenant_id from timer_job where tenant_id > ? order by tenant_id limit 1)
       union all
       select (select tenant_id from timer_job where tenant_id > tenant.id order by tenant_id limit 1)
       from tenant where id is not null)
     select id from tenant where id is not null
       and exists (select from timer_job where tenant_id = tenant.id and next_time <= rapport_clock())
     limit ?`,
    [tenantId, limit],
  );
  return rows.map(({ id }) => id);
}

interface TimerRow {
  id: string;
  kind: string;
  record_type: string;
  record_id: string;
  purpose: string;
  due_ms: number;
  payload: Record<string, unknown>;
  late: number;
}

/**
 * Ends due timers of the tenant in the open transaction of `em`, which no other worker ends meanwhile, and returns them
 * in the order of their times.
 */
export async function takeDue(
  em: EntityManager,
  tenantId: string,
  limit: number,
): Promise<(FiringTimer & { lateSeconds: number })[]> {
  // A lock is the claim: it ends with the transaction, and so with the process or its connection.
  const [rows = []] = await transactionPipeline(em, [
    {
      name: 'claim_timers',
      sql: `select id, kind, record_type, record_id, purpose, payload,
          (extract(epoch from due_time) * 1000)::float8 as due_ms,
          extract(epoch from rapport_clock() - due_time)::float8 as late from timer
        where tenant_id = $1 and state = 'PENDING' and due_time <= rapport_clock()
          and id = any (array(select timer_id from timer_job
            where tenant_id = $1 and next_time <= rapport_clock() order by next_time limit $2))
        order by due_time, id for update skip locked`,
      values: [tenantId, limit],
    },
  ]);
  if (rows.length === 0) return [];
  const timers = rows as TimerRow[];
  const ids = timers.map(({ id }) => id);
  await transactionPipeline(em, endStatements(tenantId, ids));
  return timers.map(({ record_type, record_id, due_ms, late, ...timer }) => {
    const target = { tenantId, recordType: record_type, recordId: record_id };
    return { ...timer, ...target, dueTime: new Date(due_ms), lateSeconds: late };
  });
}

function endStatements(tenantId: string, ids: string[]): Statement[] {
  return [
    {
      name: 'fire_timers',
      sql: `update timer set state = 'FIRED', end_time = rapport_clock() where tenant_id = $1 and id = any ($2::uuid[])`,
      values: [tenantId, ids],
    },
    {
      name: 'end_timer_jobs',
      sql: 'delete from timer_job where tenant_id = $1 and timer_id = any ($2::uuid[])',
      values: [tenantId, ids],
    },
    {
      name: 'remove_ended_timers',
      sql: `delete from timer where ctid = any (array(select ctid from timer where tenant_id = $1 and state <> 'PENDING'
          and end_time < rapport_clock() - interval '${keptDays} days' order by end_time limit $2 for update skip locked))`,
      values: [tenantId, 2 * ids.length],
    },
  ];
}

/** Makes a timer whose handler failed due again: after a second at first, then twice as long, at most an hour. */
export async function deferTimer(em: EntityManager, tenantId: string, timerId: string): Promise<void> {
  await em.execute(
    `update timer_job set failures = failures + 1,
       next_time = rapport_clock() + make_interval(secs => least(3600, power(2, least(failures, 12)) * (0.75 + random() / 2)))
     where tenant_id = ? and timer_id = ?`,
    [tenantId, timerId],
  );
}

/** How long the oldest due timer has waited, and how many have failed. */
export async function timerBacklog(em: EntityManager): Promise<{ oldestSeconds: number; failing: number }> {
  const [row] = await em.execute<{ oldest: number; failing: string }[]>(
    `select coalesce((select extract(epoch from rapport_clock() - next_time) from timer_job
         where next_time <= rapport_clock() order by next_time limit 1), 0)::float8 as oldest,
       (select count(*) from timer_job where failures > 0) as failing`,
  );
  return { oldestSeconds: row?.oldest ?? 0, failing: Number(row?.failing ?? 0) };
}
