import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import { callContext, type Caller } from '@rapport/platform';
import { drawnBy, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { recordTypes } from '../src/engine/fields/record-type.js';
import { byCondition, inOrder, type PlannerSettings } from '../src/engine/query/list/planner-settings.js';
import { rankedSearch, sortedStep, windowStep } from '../src/engine/query/search/find-ranked.js';
import { windowRows } from '../src/engine/query/search/ranked-statements.js';
import { titleField } from '../src/engine/query/search/searched-types.js';
import { broadReads, preparedPlan, rowsRead, tablesReadWhole, type PlanNode } from './query-plan.js';
import { newCaller, RunningCustomers } from './running-customers.js';
import { idOf } from './scoped-tenant.js';
import { matchOf } from './search-oracle.js';

/** Records of each type in a tenant; there are two tenants, so that the planner's statistics cover more than one. */
const size = sizeOf('SEARCH_RECORDS', { short: 6_000, long: 100_000 });
const limit = 6;
/** Each kind of table: the others are printed in the same way. */
const kinds = ['customer', 'deal', 'object_record', 'pipeline'];
/** Two kinds by the seed, all in the long form. */
const tables = drawnBy(
  printedSeed('search-all-plans'),
  kinds,
  sizeOf('SEARCH_TABLES', { short: 2, long: kinds.length }),
);
const types = [...recordTypes()].filter(({ table }) => tables.includes(table));
const caller: Caller = newCaller();
const { tenantId } = caller;
/** Owns one record in 100. */
const owner: Caller = { ...caller, recordScope: 'OWN', teamIds: [] };

let customers: RunningCustomers;
let orm: MikroORM;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  const client = await customers.connectAsSuperuser();
  await client.query('set session_replication_role = replica');
  for (const tenant of [tenantId, newCaller().tenantId]) {
    for (const { table, contract } of types) {
      await client.query(insertOf(table, titleField(recordOf(table)).column, contract.options.owned), [
        tenant,
        size,
        ...(contract.options.owned ? [idOf(caller)] : []),
      ]);
    }
  }
  const key = `insert into custom_object_key (tenant_id, type, value, custom_object_id) values ($1, 'KEY', 'car', $1)`;
  await client.query(key, [tenantId]);
  await client.query('vacuum analyze');
  await client.end();
  orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
}, soakTimeoutMs);
afterAll(async () => {
  await orm.close();
  await customers.stop();
});

const recordOf = (name: string) => types.find(({ table }) => table === name)!;

/** `common` is in every fifth title, `rare` in the 30 least recently changed ones, 10 of which are exactly that. */
const titleSql = `case when n <= 10 then 'rare' when n <= 30 then 'a rare thing ' || n when n % 5 = 0 then 'uncommon ' || n
  when n % 7 = 0 then 'common ' || n else 'other ' || n end`;

/** Required columns of a type, and the search columns as the service fills them. */
const required: Readonly<Record<string, string>> = {
  customer: `kind, emails, phones, addresses, external_ids, domains, tags, sort_name|'COMPANY', '[]', '[]', '[]', '[]', '{}', '{}', title`,
  deal: `pipeline_id, stage, status, external_ids, tags, sort_title|gen_random_uuid(), 'new', 'OPEN', '[]', '{}', title`,
  object_record: `object, external_ids, tags, sort_name|'car', '[]', '{}', title`,
  pipeline: `stages, transition_pairs, external_ids, sort_name|'[]', '[]', '[]', title`,
};

function insertOf(table: string, title: string, owned: boolean): string {
  const [columns, values] = (required[table] ?? '|').split('|');
  const owning = owned
    ? [
        ', owner_id, terms',
        `, case when n % 100 = 1 then $3::uuid end, case when n % 100 = 1 then array['o:' || $3] else array['q:' || n] end`,
      ]
    : ['', ''];
  return `insert into ${table} (tenant_id, id, ${title}, ${columns}, search_text, index_version, version, create_time, update_time,
      created_by, updated_by${owning[0]})
    select $1, gen_random_uuid(), title, ${values}, title, 1, 1, now(), timestamptz '2024-01-01' + n * interval '1 second',
      'test', 'test'${owning[1]}
    from generate_series(1, $2::int) n, lateral (select ${titleSql} as title offset 0) named`;
}

/** The plan of a prepared statement, and its actual rows. */
function run(
  { isWindow, ...statement }: { sql: string; params: (string | number)[]; isWindow: boolean },
  by: Caller,
): Promise<PlanNode[]> {
  const settings = { ...(isWindow ? inOrder : byCondition), plan_cache_mode: 'force_generic_plan' };
  const scope: PlannerSettings = by === owner ? { 'app.owner_ids': `{${idOf(by)}}` } : {};
  return preparedPlan(orm.em.fork(), statement, { ...settings, ...scope, 'app.tenant_id': tenantId });
}

const searchOf = (table: string, q: string, by = caller) =>
  callContext.run({ requestId: 'test', caller: by }, () => ({
    ...rankedSearch(recordOf(table), tenantId, q, limit),
    parents: table === 'object_record' ? ['car', 'boat'] : undefined,
  }));

const asked = types.flatMap(({ table }) => ['rare', 'rare thi', 'common', 'nowhere'].map((q) => [table, q] as const));

test.each(asked)(
  'of %s, the first step for %s reads a bounded number of rows in the order of an index',
  async (table, q) => {
    const step = windowStep(searchOf(table, q));
    const nodes = await run({ ...step, isWindow: true }, caller);

    expect(step.name, 'it is prepared').toBeDefined();
    expect(tablesReadWhole(nodes)).toEqual([]);
    const index = `${table}_live_by_update_time${table === 'object_record' ? '_of_all' : ''}`;
    expect(nodes.map((node) => node['Index Name'])).toContain(index);
    expect(rowsRead(nodes), JSON.stringify(nodes)).toBeLessThanOrEqual(windowRows + limit);
  },
);

test.each(asked)('of %s, indexes find the rare matches of %s', async (table, q) => {
  const search = searchOf(table, q);
  for (const worst of [1, 2, 3]) {
    const step = sortedStep(search, worst);
    const nodes = await run({ ...step, isWindow: false }, caller);
    expect(step.name, 'it is prepared').toBeDefined();
    expect(broadReads(nodes)).toEqual([]);
    if (worst === 1) expect(nodes.map((node) => node['Index Name'])).not.toContain(`${table}_search`);
    if (worst === 1 || q !== 'common') expect(rowsRead(nodes), JSON.stringify(nodes)).toBeLessThanOrEqual(200);
  }
});

test.each(types.filter(({ contract }) => contract.options.owned).map(({ table }) => table))(
  'of %s, indexes find the records visible to a caller with a narrow scope',
  async (table) => {
    const search = searchOf(table, 'common', owner);
    const nodes = await run({ ...sortedStep(search, 3), isWindow: false }, owner);

    expect(search.scope).toHaveLength(1);
    expect(broadReads(nodes)).toEqual([]);
  },
);

/** The expected titles of a search of one type. */
function expectedTitles(q: string): string[] {
  return Array.from({ length: size }, (_, index) => titleOf(index + 1))
    .map((title, n) => ({ title, n, match: matchOf(title, q) }))
    .filter(({ match }) => match !== undefined)
    .sort((a, b) => a.match! - b.match! || b.n - a.n)
    .slice(0, limit)
    .map(({ title }) => title);
}

/** Like `titleSql`. */
function titleOf(n: number): string {
  if (n <= 10) return 'rare';
  if (n <= 30) return `a rare thing ${n}`;
  if (n % 5 === 0) return `uncommon ${n}`;
  return n % 7 === 0 ? `common ${n}` : `other ${n}`;
}

test.each(['rare', 'rare thing 2', 'common', 'ommon', 'common 5999', 'other 31', 'nowhere'])(
  'a search for %s in large tenants has the same result as a full scan',
  async (q) => {
    // Warms up: the first call is not measured.
    await customers.call('search', { q, pageSize: limit }, caller);
    const startMs = performance.now();
    const { results } = await customers.call('search', { q, pageSize: limit }, caller);
    printTally(`search for ${q} in ${types.length} types of ${size}`, { ms: Math.round(performance.now() - startMs) });

    for (const { name, contract } of types) {
      const shown = contract.parent === undefined ? name : `${name}.car`;
      const titles = results.filter(({ type }) => type === shown).map(({ title }) => title);
      expect(titles).toEqual(expectedTitles(q));
    }
  },
);
