import { compilePredicate, filterTable, type CustomFieldDefinition } from '@rapport/contracts/filters';
import type { AppError } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { customers as customerType } from '../src/domain/customers/customers.js';
import { objectRecords as objectRecordType } from '../src/domain/custom-objects/object-records.js';
import { deals as dealType } from '../src/domain/deals/deals.js';
import type { RecordType } from '../src/engine/fields/record-type.js';
import { recordValue } from '../src/engine/query/record-json.js';
import { customDefinitions, defineObjectFields, makeFilteredCustomers } from './filtered-tenant.js';
import { comparedFields, filtersOf, randomCustomers, randomDeals } from './random-filters.js';
import { ObjectTenant } from './object-tenant.js';
import { newCaller, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const seed = printedSeed('filter-predicates');
const sizes = {
  records: sizeOf('FILTER_PREDICATE_RECORDS', { short: 40, long: 150 }),
  filters: sizeOf('FILTER_PREDICATES', { short: 100, long: 50_000 }),
};

const service = await sharedCustomers();
const caller = newCaller();

/** The records of a type in a list, in JSON, and the ids of those that match a filter. */
interface Subject {
  type: RecordType;
  customFields: readonly CustomFieldDefinition[];
  records: Record<string, unknown>[];
  list: (filter: string) => Promise<string[]>;
}
const subjects: Subject[] = [];

beforeAll(async () => {
  await makeFilteredCustomers(service, caller);
  for (const customer of randomCustomers(seed, sizes.records)) await service.create(caller, customer);
  const sales = new SalesTenant(service, caller);
  const pipeline = await sales.createPipeline();
  for (const deal of randomDeals(seed, sizes.records)) await sales.createDeal(pipeline, deal);
  const objects = new ObjectTenant(service, caller);
  await objects.createObject('thing');
  await defineObjectFields(objects, 'thing');
  for (const { displayName: name = '', externalIds = [], tags = [], customFields } of randomCustomers(
    seed,
    sizes.records,
  )) {
    await objects.create('thing', { name, externalIds, tags, customFields });
  }
  const { customers } = await service.call('listCustomers', { pageSize: 200 }, caller);
  const { deals } = await service.call('listDeals', { pageSize: 200 }, caller);
  const { objectRecords } = await service.call('listObjectRecords', { object: 'thing', pageSize: 200 }, caller);
  subjects.push(
    {
      type: customerType,
      customFields: customDefinitions,
      records: customers.map((each) => recordValue(customerType, each)),
      list: async (filter) => {
        const page = await service.call('listCustomers', { filter, pageSize: 200 }, caller);
        return page.customers.map(({ id }) => id);
      },
    },
    {
      type: dealType,
      customFields: [],
      records: deals.map((each) => recordValue(dealType, each)),
      list: async (filter) => {
        const page = await service.call('listDeals', { filter, pageSize: 200 }, caller);
        return page.deals.map(({ id }) => id);
      },
    },
    {
      type: objectRecordType,
      customFields: customDefinitions,
      records: objectRecords.map((each) => recordValue(objectRecordType, each)),
      list: async (filter) => {
        const page = await service.call('listObjectRecords', { object: 'thing', filter, pageSize: 200 }, caller);
        return page.objectRecords.map(({ id }) => id);
      },
    },
  );
});

test.each([
  ['customers', 0],
  ['deals', 1],
  ['records of an object', 2],
])(
  'a list of %s contains exactly those that match the predicate of its filter',
  { timeout: soakTimeoutMs },
  async (_, index) => {
    const { type, customFields, records, list } = subjects[index] ?? expect.fail();
    const table = filterTable(type.contract, customFields);
    const tally = { answered: 0, met: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(filtersOf(comparedFields(table, customFields, records)), async (filter) => {
        const listed = await list(filter).catch((error: unknown) => error as AppError);
        if (!Array.isArray(listed)) {
          const [violation] = listed.violations;
          expect(listed.code).toBe('INVALID_ARGUMENT');
          expect(violation?.description).toMatch(/can be compared by|must|has no order; leave the \* out/);
          expect(() => compilePredicate(filter, table)).toThrow(violation?.description);
          tally.refused += 1;
          return;
        }
        const predicate = compilePredicate(filter, table);
        const met = records
          .filter((record) => predicate(record, { now: new Date(), timeZone: 'UTC' }))
          .map(({ id }) => String(id));
        expect(listed.toSorted()).toEqual(met.toSorted());
        tally.answered += 1;
        tally.met += met.length > 0 && met.length < records.length ? 1 : 0;
      }),
      { seed, numRuns: sizes.filters },
    );
    printTally(`filter-predicates of ${type.plural}`, { records: records.length, ...tally });
    expect(tally.met).toBeGreaterThan(sizes.filters / 8);
    expect(tally.refused).toBeGreaterThan(0);
  },
);
