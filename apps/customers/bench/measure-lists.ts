// Measures lists, counts and sums in the largest tenant of a seeded database, and prints milliseconds:
//   DATABASE_URL=postgres://… node apps/customers/bench/measure-lists.ts [rounds]
import { createOrm, tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { AggregateCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { source } from '../seed/load-source.ts';

const { aggregateRecords, conditionsOf, countRecords, customers: type, entities, readPage } = source;
const orm = createOrm({ databaseUrl: process.env['DATABASE_URL'] ?? '', entities });
const rounds = Number(process.argv[2] ?? 5);
const only = process.argv[3];
const largestTenant = '016806b5-bc00-7cb9-b1e4-b7d3e35ae8b1';
const newEm = () => orm.em.fork({ session: tenantSession(largestTenant) });

const orders = ['display_name', 'family_name', 'company_name', 'create_time', 'update_time', 'custom_fields.seats'];
const [someone] = await newEm().execute<
  { id: string; company_id: string; owner_id: string; email: string; domain: string }[]
>(
  `select id, company_id, owner_id, emails->0->>'address' as email from customer
   where company_id is not null and owner_id is not null and emails <> '[]' and delete_time is null
   order by id offset 30000 limit 1`,
);
const [firm] = await newEm().execute<{ domain: string }[]>(
  `select domains[1] as domain from customer where domains <> '{}' limit 1`,
);
const filters = [
  '',
  `id = ${someone?.id}`,
  `company_id = ${someone?.company_id}`,
  `owner_id = ${someone?.owner_id}`,
  'kind = PERSON',
  'kind = COMPANY',
  'lifecycle_stage = FORMER_CUSTOMER',
  'lifecycle_stage > LEAD',
  'lifecycle_stage != LEAD',
  'create_time >= 2024-12-20',
  'create_time < 2019-03-01',
  'update_time < 2019-03-01',
  'display_name = "james smith"',
  'display_name = "Brandenberg*"',
  'display_name = J*',
  'display_name >= "Z"',
  'display_name < "a"',
  'family_name = "Wilburhoff"',
  'family_name = S*',
  'company_name = "Smith*"',
  'given_name = Ada',
  'given_name = Nobody',
  'job_title = Teacher',
  'source = api',
  'source = nothing',
  'birth_date = 1980-05-05',
  `emails:${someone?.email}`,
  'emails:a*',
  'emails:zz*',
  'emails:zzzz*',
  `domains:${firm?.domain}`,
  'domains:s*',
  'external_ids:erp',
  'external_ids:erp/77*',
  'external_ids:"hubspot/99"',
  'phones:+49',
  'tags:vip',
  'tags:b2b',
  'tags:none',
  'city:Berlin',
  'city:Αθήνα',
  'state:Bayern',
  'postal_code:10117',
  'country_code:GR',
  'country_code:US',
  'custom_fields.seats > 1500',
  'custom_fields.seats = 4',
  'custom_fields.seats < 0',
  'custom_fields.revenue >= "JPY 200000"',
  'custom_fields.revenue = EUR*',
  'custom_fields.score < -499',
  'custom_fields.account_note = "prefers*"',
  'custom_fields.account_note = "calls on mondays 17"',
  'custom_fields.plan = Platinum',
  'custom_fields.interests:Hiking',
  'custom_fields.contract_start >= 2027-01-01',
  'custom_fields.plan:*',
  '-custom_fields.plan:*',
  'company.country_code:GR',
  'company.country_code:US',
  'company.custom_fields.seats > 1500',
  'company.display_name = "Smith*"',
  'company.tags:none',
  'associations.employee_of:*',
  'associations.partner_of.country_code:GR',
  'associations.employee_of.display_name = "S*"',
  'NOT kind:*',
  '-display_name:*',
  'NOT kind = PERSON',
  'NOT (kind = PERSON OR kind = COMPANY)',
  'tags:none OR given_name:* AND NOT kind:*',
  '-tags:vip -source:* -owner_id:*',
  'tags:vip tags:b2b country_code:GR',
  'kind = COMPANY AND display_name = "S*" AND custom_fields.seats > 1000',
  'tags:event-2025 OR emails:zz* OR city:Αθήνα',
  'kind = PERSON AND create_time < 2019-02-01',
  'kind = PERSON AND update_time >= 2025-08-01',
];
const searches = [
  'smith',
  'lovelace',
  'lovelase',
  'brandenberg',
  'brandenbreg',
  'jonsson',
  'micheal',
  'micheal brown',
  'smyth',
  'james smith',
  'zzzzq',
  'xqzt',
  'ja',
  'j',
  '佐藤',
  '佐',
  'müller gmbh',
  '+4930',
  '4930',
  'erika mustermann',
  'mail.example',
  'garcai',
  'anna',
  'thornwickstad',
  'a b c d',
];

interface Figure {
  name: string;
  ms: number[];
  rows: number;
}
const figures: Figure[] = [];

for (const filter of filters)
  for (const orderBy of ['create_time desc', 'display_name', 'custom_fields.seats desc']) {
    await page({ filter, orderBy });
  }
for (const q of searches) for (const orderBy of ['create_time desc', 'display_name']) await page({ q, orderBy });
for (const order of orders) for (const orderBy of [order, `${order} desc`]) await page({ orderBy });
for (const order of orders) for (const orderBy of [order, `${order} desc`]) await deepPage({ orderBy });
for (const order of ['create_time', 'display_name', 'custom_fields.seats'])
  await deepPage({ filter: 'kind = PERSON', orderBy: order });
for (const filter of filters) await count({ filter });
for (const q of searches) await count({ q });
await aggregates();
await orm.close();

async function page(request: { filter?: string; q?: string; orderBy?: string }) {
  await measure(`page 1 ${JSON.stringify(request)}`, () => read(request));
}

/** Page 10,000 of 20. */
async function deepPage(request: { filter?: string; orderBy: string }) {
  if (only && !`deep ${JSON.stringify(request)}`.includes(only)) return;
  let after: { value: string | null; id: string } | undefined;
  for (let skipped = 0; skipped < 200_000; skipped += 40_000) {
    const rows = await readMany(request, after, 40_000);
    const last = rows.at(-1);
    if (!last) break;
    after = { value: last.more[1] ?? null, id: last.record.id };
  }
  await measure(`deep ${JSON.stringify(request)} after ${JSON.stringify(after)}`, () => read(request, after));
}

async function readMany(request: object, after: { value: string | null; id: string } | undefined, limit: number) {
  const em = newEm();
  return inCall(async () => {
    const { orders, conditions } = await conditionsOf(em, type, request);
    return readPage(em, { type, tenantId: largestTenant, live: true, order: orders[0]!, conditions, after, limit });
  });
}

async function read(request: object, after?: { value: string | null; id: string }): Promise<number> {
  return (await readMany(request, after, 21)).length;
}

async function count(request: { filter?: string; q?: string }) {
  await measure(`count ${JSON.stringify(request)}`, () =>
    inCall(async () => {
      const em = newEm();
      const { conditions } = await conditionsOf(em, type, request);
      return (await countRecords(em, { type, tenantId: largestTenant, live: true, conditions }, 3)) ?? 0;
    }),
  );
}

async function aggregates() {
  const blank = AggregateCustomersRequest.decode(new Uint8Array());
  for (const groupBy of [
    [],
    ['kind'],
    ['lifecycle_stage', 'country_code'],
    ['tags'],
    ['company_id'],
    ['owner_id', 'source'],
    ['custom_fields.plan', 'custom_fields.interests'],
  ]) {
    for (const sum of [[], ['custom_fields.seats', 'custom_fields.revenue']])
      for (const filter of [undefined, 'tags:vip']) {
        await measure(`aggregate ${JSON.stringify({ groupBy, sum, filter })}`, () =>
          inCall(async () => (await aggregateRecords(newEm(), type, { ...blank, groupBy, sum, filter })).groups.length),
        );
      }
  }
}

function inCall<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  const caller = { tenantId: largestTenant, principalId: 'measure', permissions: [] };
  return callContext.run({ requestId: 'measure', caller }, work);
}

async function measure(name: string, work: () => Promise<number>) {
  if (only && !name.includes(only)) return;
  const ms: number[] = [];
  let rows = 0;
  try {
    for (let round = 0; round < rounds; round += 1) {
      const start = performance.now();
      rows = await work();
      ms.push(performance.now() - start);
    }
  } catch (error) {
    process.stdout.write(`ERROR ${name} ${(error as Error).message}\n`);
    return;
  }
  ms.sort((a, b) => a - b);
  figures.push({ name, ms, rows });
  process.stdout.write(`${(ms[ms.length >> 1] ?? 0).toFixed(1)}\t${(ms.at(-1) ?? 0).toFixed(1)}\t${rows}\t${name}\n`);
}
