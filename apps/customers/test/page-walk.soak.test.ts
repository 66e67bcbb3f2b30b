import { CustomerKind, LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { ListCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { seedRows } from '../seed/seed-rows.ts';
import { newCaller, person, sharedCustomers } from './running-customers.js';
import { seedTenants } from './seeded-tenant.js';

const customers = await sharedCustomers();

const seed = printedSeed('page-walk');
const sizes = {
  /** More than the rows that a list tests before it uses the indexes of its conditions. */
  customers: sizeOf('PAGE_WALK_CUSTOMERS', { short: 3_000, long: 20_000 }),
  walks: sizeOf('PAGE_WALKS', { short: 5, long: 2_000 }),
  orders: sizeOf('PAGE_WALK_ORDERS', { short: 2, long: 1_000 }),
};

let caller: Caller;
let untouched: Customer[];
let touched: Customer[];

beforeAll(async () => {
  const options = { customers: sizes.customers, tenants: 1, seed };
  const [tenant] = await seedTenants(customers, options);
  caller = { ...newCaller(), tenantId: tenant?.tenantId ?? '' };
  const live = [...(seedRows(options)[0]?.rows ?? [])].filter(({ deleteTime }) => !deleteTime);
  const rows = live.map(({ customer }) => customer);
  // Companies stay, since other conditions refer to them.
  touched = rows.filter(({ kind }, index) => kind === CustomerKind.PERSON && index % 50 === 0);
  untouched = rows.filter((row) => !touched.includes(row));
});

/** Filters, and the SQL conditions of their matches. */
const filters: [string | undefined, (customer: Customer) => boolean][] = [
  [undefined, () => true],
  ['kind = COMPANY', ({ kind }) => kind === CustomerKind.COMPANY],
  ['country_code:GR', ({ addresses }) => addresses.some(({ countryCode }) => countryCode === 'GR')],
  ['NOT tags:vip', ({ tags }) => !tags.some((tag) => tag.toLowerCase() === 'vip')],
  ['tags:event-2025 OR tags:b2c', ({ tags }) => tags.includes('event-2025') || tags.includes('b2c')],
  ['lifecycle_stage = FORMER_CUSTOMER', ({ lifecycleStage }) => lifecycleStage === LifecycleStage.FORMER_CUSTOMER],
  ['-lifecycle_stage:* -source:*', (row) => row.lifecycleStage === LifecycleStage.UNSPECIFIED && !row.source],
  ['custom_fields.seats >= 1000', ({ customFields }) => Number(customFields?.['seats'] ?? -1) >= 1_000],
  ['-custom_fields.seats:*', ({ customFields }) => customFields?.['seats'] === undefined],
  ['family_name = "S*"', ({ familyName = '' }) => /^s/i.test(familyName.normalize('NFKD'))],
  ['emails:info@*', ({ emails }) => emails.some(({ address }) => address.startsWith('info@'))],
  [
    'company_id:* AND job_title = Teacher',
    ({ companyId, jobTitle }) => companyId !== undefined && jobTitle === 'Teacher',
  ],
  ['display_name = nobody', () => false],
];
const fields = ['display_name', 'family_name', 'company_name', 'create_time', 'update_time'];
const customFields = ['seats', 'score', 'revenue', 'contract_start', 'last_contact', 'account_note'];
const orders = [...fields, ...customFields.map((key) => `custom_fields.${key}`)].flatMap((name) => [
  name,
  `${name} desc`,
]);

test(
  'returns each unchanged row exactly once under concurrent inserts, updates and deletes',
  async () => {
    const walk = fc.record({
      orderBy: fc.constantFrom(...orders),
      filter: fc.constantFrom(...filters),
      pageSize: fc.oneof(fc.integer({ min: 100, max: 200 }), fc.constant(200)),
    });
    let isWalking = true;
    const disturbance = (async () => {
      for (let round = 0; isWalking; round += 1) await disturb(round);
    })();
    try {
      for (const { orderBy, filter, pageSize } of fc.sample(walk, { numRuns: sizes.walks, seed })) {
        const [text, isMet] = filter;
        const expected = untouched.filter(isMet).map(({ id }) => id);
        const known = new Set(untouched.map(({ id }) => id));
        const met = (await allPages({ orderBy, filter: text, pageSize })).filter(({ id }) => known.has(id));
        expect(met.map(({ id }) => id).toSorted(), `${orderBy}, ${text}`).toEqual(expected.toSorted());
      }
      printTally('page-walk', { walks: sizes.walks, customers: sizes.customers });
    } finally {
      isWalking = false;
      await disturbance;
    }
  },
  soakTimeoutMs,
);

test(
  'small and large pages give the same list, in every order',
  async () => {
    const length = Math.min(sizes.orders, orders.length);
    const [some = []] = fc.sample(fc.shuffledSubarray(orders, { minLength: length, maxLength: length }), {
      numRuns: 1,
      seed,
    });
    for (const orderBy of some) {
      const filter = 'tags:b2c AND kind = COMPANY OR tags:b2c';
      const whole = (await allPages({ orderBy, filter, pageSize: 200 })).map(({ id }) => id);
      expect(whole.length).toBeGreaterThan(17);
      expect((await allPages({ orderBy, filter, pageSize: 17 })).map(({ id }) => id)).toEqual(whole);
      const field = orderBy.split(' ')[0] ?? '';
      const reverse = orderBy.endsWith(' desc') ? field : `${field} desc`;
      const valued = `${filter} AND ${field}:*`;
      const there = (await allPages({ orderBy, filter: valued, pageSize: 200 })).map(({ id }) => id);
      const back = (await allPages({ orderBy: reverse, filter: valued, pageSize: 200 })).map(({ id }) => id);
      expect(back.toReversed(), orderBy).toEqual(there);
      expect(whole.slice(0, there.length), orderBy).toEqual(there);
    }
  },
  soakTimeoutMs,
);

async function allPages(request: Partial<ListCustomersRequest>): Promise<Customer[]> {
  const rows: Customer[] = [];
  let pageToken: string | undefined;
  do {
    const answer = await customers.call('listCustomers', { ...request, pageToken }, caller);
    rows.push(...answer.customers);
    pageToken = answer.nextPageToken;
  } while (pageToken !== undefined);
  return rows;
}

/** Renames, deletes, undeletes and creates rows. Some calls fail, because another round already did it. */
async function disturb(round: number): Promise<void> {
  const [renamed, deleted, undeleted] = [0, 1, 2].map((step) => touched[(round * 3 + step) % touched.length]?.id ?? '');
  await Promise.allSettled([
    customers.update(caller, renamed ?? '', {
      displayName: round % 2 ? 'AAA' : 'zzz',
      familyName: round % 3 ? 'S' : undefined,
      customFields: { seats: round },
    }),
    customers.delete(caller, deleted ?? ''),
    customers.call('undeleteCustomer', { id: undeleted ?? '' }, caller),
    customers.create(caller, person({ displayName: `new ${round}`, tags: ['b2c'], customFields: { seats: round } })),
  ]);
}
