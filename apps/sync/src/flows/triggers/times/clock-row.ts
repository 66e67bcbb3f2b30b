import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { activeFlows } from '../../definitions/active-flows.js';
import { latestMs } from './schedule-times.js';

/** State of the clock of a flow. Times are milliseconds. */
export interface ClockRow {
  flowId: string;
  doneMs: number;
  searchMs: number | undefined;
  pageToken: string | undefined;
}

/** A flow whose clock is due. */
export interface DueClock {
  flowId: string;
  tenantId: string;
}

const changedFlows = `from flow_tenant flows
  left join flow_clock_tenant clocks on clocks.tenant_id = flows.tenant_id
  where clocks.revision is distinct from flows.revision`;

/** The condition of `DueWork` for clocks that are due or to be set. */
export const areClocksDue = `exists (select from flow_clock where due_time <= clock_timestamp())
  or exists (select ${changedFlows})`;

/** Clocks that are due, the first of each tenant before the second ones. @param most number of them */
export async function dueClocks(client: ClientBase, most: number): Promise<DueClock[]> {
  const { rows } = await client.query<DueClock>({
    name: 'due_flow_clocks',
    text: `select flow_id as "flowId", tenant_id as "tenantId" from (
        select flow_id, tenant_id, row_number() over (partition by tenant_id order by due_time) as turn
        from flow_clock where due_time <= clock_timestamp()) due
      order by turn, random() limit $1`,
    values: [most],
  });
  return rows;
}

/**
 * Locks a clock that is due, in an open transaction.
 *
 * @returns undefined while another process works on it, and after that
 */
export async function lockClock(client: ClientBase, flowId: string): Promise<ClockRow | undefined> {
  const { rows } = await client.query<ClockRow>({
    name: 'lock_flow_clock',
    text: `select flow_id as "flowId", ${msOf('done_time')} as "doneMs", ${msOf('search_time')} as "searchMs",
        page_token as "pageToken"
      from flow_clock where flow_id = $1 and due_time <= clock_timestamp() for update skip locked`,
    values: [flowId],
  });
  return rows[0];
}

function msOf(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::double precision`;
}

/** Stores what a pass has done. @param next.dueMs undefined for never */
export async function moveClock(
  client: ClientBase,
  flowId: string,
  next: { doneMs: number; dueMs: number | undefined; searchMs?: number | undefined; pageToken?: string | undefined },
): Promise<void> {
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  await client.query({
    name: 'move_flow_clock',
    text: `update flow_clock set done_time = $2, due_time = coalesce($3::timestamptz, 'infinity'), search_time = $4,
        page_token = $5
      where flow_id = $1`,
    values: [flowId, time(next.doneMs), time(next.dueMs), time(next.searchMs), next.pageToken ?? null],
  });
}

/** Tenants whose flows have changed since their clocks were set. */
export async function changedTenants(client: ClientBase, most: number): Promise<string[]> {
  const { rows } = await client.query<{ tenant_id: string }>({
    name: 'tenants_with_changed_flows',
    text: `select flows.tenant_id ${changedFlows} limit $1`,
    values: [most],
  });
  return rows.map(({ tenant_id: tenantId }) => tenantId);
}

/**
 * Makes the clocks of a tenant those of its active versions. A paused flow keeps its clock, which starts nothing
 * meanwhile; a new version goes on where the one before is.
 */
export async function setClocks(client: ClientBase, tenantId: string): Promise<void> {
  await client.query('begin');
  // The revision is read before the flows: one that changes meanwhile is set again.
  const { rows } = await client.query<{ revision: string }>(
    'select revision from flow_tenant where tenant_id = $1 for key share',
    [tenantId],
  );
  const clocks = (await activeFlows(client, tenantId)).flatMap(({ flowId, version, definition, publishTime }) => {
    const { schedule, timeField } = definition.trigger ?? {};
    if (!schedule && !timeField) return [];
    const publishedMs = new Date(publishTime).getTime();
    const done_time = new Date(schedule ? publishedMs : publishedMs - latestMs).toISOString();
    return [{ flow_id: flowId, version, kind: schedule ? 'SCHEDULE' : 'TIME_FIELD', done_time }];
  });
  await pipeline(client, [
    {
      name: 'set_flow_clocks',
      sql: `insert into flow_clock as known (flow_id, tenant_id, version, kind, due_time, done_time)
        select flow_id, $1, version, kind, clock_timestamp(), done_time
        from jsonb_to_recordset($2) as wanted (flow_id uuid, version int, kind text, done_time timestamptz)
        on conflict (flow_id) do update set version = excluded.version, kind = excluded.kind,
          due_time = clock_timestamp(), search_time = null, page_token = null,
          done_time = case when known.kind = excluded.kind then known.done_time else excluded.done_time end
        where known.version <> excluded.version`,
      values: [tenantId, JSON.stringify(clocks)],
    },
    {
      name: 'drop_flow_clocks',
      sql: 'delete from flow_clock where tenant_id = $1 and flow_id <> all ($2::uuid[])',
      values: [tenantId, clocks.map(({ flow_id: flowId }) => flowId)],
    },
    {
      name: 'note_flow_clocks',
      sql: `insert into flow_clock_tenant (tenant_id, revision) values ($1, $2)
        on conflict (tenant_id) do update set revision = excluded.revision`,
      values: [tenantId, rows[0]?.revision ?? 0],
    },
    { name: 'commit', sql: 'commit' },
  ]);
}
