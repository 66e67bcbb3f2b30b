import type { MikroORM } from '@mikro-orm/postgresql';
import { arrayLiteral, createOrm, tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { isSoak, printTally, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { typoTerms } from '../src/engine/fields/terms.js';
import { entities } from '../src/database.js';
import { conditionsOf } from '../src/engine/query/list/list-conditions.js';
import { ScarceMatches } from '../src/engine/query/list/scarce-matches.js';
import { pageSteps, readPage, type PageStep } from '../src/engine/query/list/read-page.js';
import { customers as type } from '../src/domain/customers/customers.js';
import { firstPage, preparedPlan, rowsRead, type PlanNode } from './query-plan.js';
import { RunningCustomers } from './running-customers.js';

/** Customers of one tenant each. The planner's statistics cover all of them together. */
const sizes = isSoak ? [1_000, 5_000, 50_000, 350_000] : [1_000, 5_000, 12_000];

/** Family names, and the number of customers per one with it; the search text, and a misspelled one. */
const names = [
  { name: 'keller', oneIn: 20, slip: 'keller' },
  { name: 'kalinski', oneIn: 333, slip: 'kalinsky' },
  { name: 'zimmermann', oneIn: 0, slip: 'zimmerman' },
] as const;

const tenants = sizes.map((size) => ({ size, tenantId: v7() }));
let customers: RunningCustomers;
let orm: MikroORM;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  const client = await customers.connectAsSuperuser();
  await client.query('set session_replication_role = replica');
  for (const { size, tenantId } of tenants) await client.query(insertTenant, [tenantId, size, ...nameParameters()]);
  await client.query('vacuum analyze customer');
  await client.end();
  orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
}, soakTimeoutMs);
afterAll(async () => {
  await orm.close();
  await customers.stop();
});

/** The search columns as `recordColumns` computes them. Rare names come first, so that they are last in the order. */
const insertTenant = `
  insert into customer (tenant_id, id, kind, display_name, given_name, family_name, emails, phones, addresses, external_ids, domains,
    tags, terms, search_text, sort_name, family_sort_name, index_version, version, create_time, update_time, created_by, updated_by)
  select $1, gen_random_uuid(), 'PERSON', 'Given ' || family, 'Given', family, '[]', '[]', '[]', '[]', '{}', '{}',
    array['k:person', 'g:given', 's:lead', 'r:import', 't:newsletter', 'c:berlin', 'z:1' || n % 1000] ||
      coalesce((select array_agg(slip) from jsonb_array_elements_text($5::jsonb -> family) slip),
        array['q:' || family, 'q:' || substr(family, 2)]),
    'given ' || family || ' given.' || family || '.' || n || '@example.com', 'given ' || family, family, 3, 1,
    timestamptz '2024-01-01' + n * interval '1 second', now(), 'test', 'test'
  from generate_series(1, $2::int) n, lateral (
    select coalesce((select name from unnest($3::text[], $4::int[]) as known (name, one_in)
      where one_in > 0 and n % one_in = 1 order by one_in desc limit 1), 'other' || n % 997) as family offset 0) named`;

function nameParameters(): string[] {
  const slips = Object.fromEntries(names.map(({ name }) => [name, typoTerms(name)]));
  return [
    arrayLiteral(names.map(({ name }) => name)),
    `{${names.map(({ oneIn }) => oneIn).join(',')}}`,
    JSON.stringify(slips),
  ];
}

function inCall<Answer>(tenantId: string, work: () => Promise<Answer>): Promise<Answer> {
  const caller = { tenantId, principalId: 'test', permissions: [] };
  return callContext.run({ requestId: 'test', caller }, work);
}

/** The plan of a prepared statement, and its actual rows. */
function run(tenantId: string, step: PageStep): Promise<PlanNode[]> {
  return preparedPlan(orm.em.fork(), step, { ...step.settings, 'app.tenant_id': tenantId });
}

const shapeOf = (nodes: PlanNode[]) =>
  nodes.map((node) => [node['Node Type'], node['Index Name']].join(' ')).join(', ');

const cases = tenants.flatMap((tenant) =>
  names.flatMap(({ name, oneIn, slip }) => [...new Set([name, slip])].map((q) => ({ ...tenant, q, oneIn }))),
);

test.each(cases)('a search for $q (one in $oneIn) in $size customers reads few rows, by indexes', async (search) => {
  const { tenantId, size, q, oneIn } = search;
  const em = orm.em.fork({ session: tenantSession(tenantId) });
  const wanted = await inCall(tenantId, () => conditionsOf(em, type, { q }));
  const query = firstPage(type, tenantId, wanted, { isSmall: size <= 10_000 });
  // In a large tenant, a sample shows whether testing more is worth it.
  const windows = pageSteps(query).flatMap(({ window }) => window ?? []);
  expect(windows).toEqual(size <= 10_000 ? [63] : [250, 2_000]);
  const matches = oneIn === 0 ? 0 : Math.ceil(size / oneIn);
  const page = await inCall(tenantId, () => readPage(em, query));
  expect(page).toHaveLength(Math.min(matches, 21));
  // A repeated search that few records match, or only of a small tenant, uses the indexes at once.
  expect(ScarceMatches.of(em).has(query)).toBe(size <= 10_000 || oneIn !== 20);
  expect(await inCall(tenantId, () => readPage(em, query))).toEqual(page);

  const plans: PlanNode[][] = [];
  for (const step of pageSteps(query)) {
    expect(step.name, 'every step is prepared').toBeDefined();
    const nodes = await run(tenantId, step);
    plans.push(nodes);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    if (step.isSorted) {
      expect(nodes.map((node) => node['Index Name'])).toEqual(
        expect.arrayContaining(['customer_search', 'customer_terms']),
      );
    }
  }

  const sorted = plans.at(-1) ?? [];
  printTally(`search for ${q} in ${size}`, { rows: plans.map(rowsRead).join(' + '), plan: shapeOf(sorted) });
  // Each match once in each of the two indexes, plus false positives of the trigram index.
  expect(rowsRead(sorted)).toBeLessThanOrEqual(3 * matches + 100);
});

test('a prepared statement has one plan for tenants of any size', async () => {
  const plans = new Set<string>();
  for (const { tenantId } of tenants) {
    const em = orm.em.fork({ session: tenantSession(tenantId) });
    const wanted = await inCall(tenantId, () => conditionsOf(em, type, { q: 'keller' }));
    const shapes = [];
    for (const step of pageSteps(firstPage(type, tenantId, wanted))) shapes.push(shapeOf(await run(tenantId, step)));
    plans.add(shapes.join('; '));
  }

  expect([...plans]).toHaveLength(1);
});
