import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, readForTenant, settingStatement, withConnection } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { cutText } from '@rapport/platform';
import { slowDown, slowed, slownessAt, stateAt, type DomainPace } from './pace-of-domain.js';

/** An e-mail without an end leaves its place then: its process has died. In seconds. */
const presumedEndSeconds = 120;

/** An e-mail to hand over. */
export interface WantedUse {
  domain: string;
  /** Of the recipient. */
  id: string;
}

interface LimitRow extends DomainPace {
  id: string;
  match: string;
  rateCount: number | null;
  rateSeconds: number | null;
  connections: number;
  now: Date;
  open: number;
  recent: number;
}

/** Which e-mails can begin. */
export interface Admission {
  admitted: ReadonlySet<string>;
  /** When others should be tried, in seconds from now. */
  waitSeconds: ReadonlyMap<string, number>;
}

const columns = `id::text, match, rate_count as "rateCount", rate_seconds as "rateSeconds", connections, slowness,
  slow_time as "slowTime", blocked_until as "blockedUntil", clock_timestamp() as now`;

/** The e-mails that are with the relay, and those that have ended within the period. */
const counts = `(select count(*)::int from delivery_use where tenant_id = $1 and limit_id = delivery_limit.id
      and end_time is null and begin_time > clock_timestamp() - interval '${presumedEndSeconds} seconds') as open,
  (select count(*)::int from delivery_use where tenant_id = $1 and limit_id = delivery_limit.id
      and coalesce(end_time, begin_time + interval '${presumedEndSeconds} seconds')
        between clock_timestamp() - make_interval(secs => rate_seconds) and clock_timestamp()) as recent`;

/** Domains with limits, and those among them that get nothing now. */
export async function domainRooms(
  em: EntityManager,
  tenantId: string,
): Promise<{ limited: ReadonlySet<string>; full: string[]; waitSeconds: number | undefined }> {
  const rows = await readForTenant<LimitRow>(em, {
    sql: `select ${columns}, ${counts} from delivery_limit where tenant_id = $1 order by match limit 1000`,
    values: [tenantId],
  });
  const read = rows.map(withTimes);
  const full = read.filter((row) => roomOf(row) <= 0);
  return {
    limited: new Set(rows.map(({ match }) => match)),
    full: full.map(({ match }) => match),
    waitSeconds: full.length > 0 ? Math.min(...full.map((row) => waitOf(row, 1))) : undefined,
  };
}

/**
 * Admits e-mails to domains as far as their limits have room, over all processes. An e-mail takes its place from before it
 * is sent until its outcome is known, and for the period after that: so no period at the relay has more than the limit,
 * however long the e-mails are on their way.
 */
export async function admit(em: EntityManager, tenantId: string, wanted: readonly WantedUse[]): Promise<Admission> {
  const domains = [...new Set(wanted.map(({ domain }) => domain))];
  return withConnection(em, (client) =>
    inTenant(client, tenantId, async () => {
      const rows = await lockLimits(client, tenantId, domains);
      const admitted = new Set<string>();
      const waitSeconds = new Map<string, number>();
      const waiting = new Map<string, number>();
      for (const { domain, id } of wanted) {
        const row = rows.find(({ match }) => match === domain);
        if (row && roomOf(row) <= 0) {
          const place = (waiting.get(domain) ?? 0) + 1;
          waiting.set(domain, place);
          waitSeconds.set(id, waitOf(row, place));
          continue;
        }
        if (row) row.open += 1;
        admitted.add(id);
      }
      const taken = wanted.filter(({ id }) => admitted.has(id));
      await insertUses(client, tenantId, rows, taken);
      return { admitted, waitSeconds };
    }),
  );
}

/** Gives the places of e-mails back, whose period begins, and slows domains that have asked for less. */
export async function endUses(
  em: EntityManager,
  tenantId: string,
  ended: readonly (WantedUse & { slowedBy?: string })[],
): Promise<void> {
  const slowing = new Map(ended.flatMap(({ domain, slowedBy }) => (slowedBy ? [[domain, slowedBy] as const] : [])));
  await withConnection(em, (client) =>
    inTenant(client, tenantId, async () => {
      await client.query({
        name: 'end_delivery_uses',
        text: 'update delivery_use set end_time = clock_timestamp() where tenant_id = $1 and use_id = any ($2::uuid[]) and end_time is null',
        values: [tenantId, ended.map(({ id }) => id)],
      });
      if (slowing.size === 0) return;
      for (const row of await lockLimits(client, tenantId, [...slowing.keys()])) {
        const { slowness, slowTime, blockedUntil } = slowDown(row, row.now);
        await client.query({
          name: 'slow_delivery_limit',
          text: `update delivery_limit set slowness = $3, slow_time = $4, blocked_until = $5, last_reply = $6
            where tenant_id = $1 and id = $2`,
          values: [tenantId, row.id, slowness, slowTime, blockedUntil, withoutAddresses(slowing.get(row.match) ?? '')],
        });
      }
    }),
  );
}

/** An answer may repeat the address of the recipient, whose erasure does not reach the limit. */
function withoutAddresses(reply: string): string {
  return cutText(reply, 300).replaceAll(/(?<![^\s<>])[^\s<>@]+@[^\s<>]+/g, '…');
}

async function inTenant<Answer>(client: ClientBase, tenantId: string, work: () => Promise<Answer>): Promise<Answer> {
  await pipeline(client, [{ name: 'begin_uses', sql: 'begin' }, settingStatement({ 'app.tenant_id': tenantId })]);
  const answer = await work();
  await client.query('commit');
  return answer;
}

/** The limits of domains, which no other process reads until the end of the transaction. The counts come after the locks. */
async function lockLimits(client: ClientBase, tenantId: string, domains: readonly string[]): Promise<LimitRow[]> {
  const values = [tenantId, domains];
  const [, found] = await pipeline(client, [
    {
      name: 'lock_delivery_limits',
      sql: 'select from delivery_limit where tenant_id = $1 and match = any ($2::text[]) order by match for update',
      values,
    },
    {
      name: 'delivery_limits',
      sql: `select ${columns}, ${counts} from delivery_limit where tenant_id = $1 and match = any ($2::text[])`,
      values,
    },
  ]);
  return (found!.rows as LimitRow[]).map(withTimes);
}

async function insertUses(
  client: ClientBase,
  tenantId: string,
  rows: readonly LimitRow[],
  taken: readonly WantedUse[],
): Promise<void> {
  const idOf = new Map(rows.map(({ match, id }) => [match, id]));
  const limited = taken.filter(({ domain }) => idOf.has(domain));
  if (limited.length === 0) return;
  await pipeline(client, [
    {
      name: 'clear_delivery_uses',
      sql: `delete from delivery_use used using delivery_limit
        where used.tenant_id = $1 and delivery_limit.tenant_id = $1 and delivery_limit.id = used.limit_id
          and used.limit_id = any ($2::uuid[]) and coalesce(end_time, begin_time + interval '${presumedEndSeconds} seconds')
            < clock_timestamp() - make_interval(secs => coalesce(rate_seconds, 0))`,
      values: [tenantId, rows.map(({ id }) => id)],
    },
    {
      name: 'insert_delivery_uses',
      sql: `insert into delivery_use (tenant_id, limit_id, use_id, begin_time)
        select $1, limit_id, use_id, clock_timestamp() from unnest($2::uuid[], $3::uuid[]) as given (limit_id, use_id)
        on conflict (tenant_id, limit_id, use_id) do update set begin_time = excluded.begin_time, end_time = null`,
      values: [tenantId, limited.map(({ domain }) => idOf.get(domain)), limited.map(({ id }) => id)],
    },
  ]);
}

/** The times of a row, which the connections of the ORM leave as texts. */
function withTimes(row: LimitRow): LimitRow {
  const { slowTime, blockedUntil } = row;
  return {
    ...row,
    now: new Date(row.now),
    slowTime: slowTime && new Date(slowTime),
    blockedUntil: blockedUntil && new Date(blockedUntil),
  };
}

/** How many e-mails can begin. */
function roomOf(row: LimitRow): number {
  const { now, open, recent } = row;
  if (stateAt(row, now).state === 'BLOCKED') return 0;
  const slowness = slownessAt(row, now);
  const byRate = row.rateCount === null ? Infinity : slowed(row.rateCount, slowness) - open - recent;
  const hasRate = row.rateCount !== null;
  const connections = row.connections > 0 ? row.connections : undefined;
  const byConnections = connections === undefined && hasRate ? Infinity : slowed(connections, slowness) - open;
  return Math.min(byRate, byConnections);
}

/** When an e-mail should be tried that finds no room. @param place among those that wait */
function waitOf(row: LimitRow, place: number): number {
  const { state, until } = stateAt(row, row.now);
  if (state === 'BLOCKED' && until) return Math.ceil((until.getTime() - row.now.getTime()) / 1_000);
  if (row.rateCount === null || row.rateSeconds === null) return 1;
  const each = row.rateSeconds / slowed(row.rateCount, slownessAt(row, row.now));
  return Math.min(86_400, Math.max(1, Math.ceil(each * place)));
}
