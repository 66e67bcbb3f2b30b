import { CustomField, CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { AggregateCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { printedSeed } from '@rapport/testing';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { customerOf, newCaller, person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const customers = await sharedCustomers();
const caller = newCaller();
const hourMs = 3_600_000;

/** Unusual zones first: Samoa had no 30 December 2011, and Lord Howe moves its clocks by half an hour. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Australia/Lord_Howe',
];
/** Around clock changes, the turn of years and weeks, and the date that Samoa skipped. */
const edges = [
  '2024-03-31T01:00:00Z',
  '2024-10-27T01:00:00Z',
  '2024-11-03T06:00:00Z',
  '2025-12-29T00:00:00Z',
  '2027-01-01T00:00:00Z',
  '2021-01-03T23:00:00Z',
  '2011-12-30T10:00:00Z',
  '2018-11-04T03:00:00Z',
  '2024-02-29T23:30:00Z',
  '2023-04-01T14:59:59.999Z',
].map(Date.parse);
const moments = [
  ...edges.flatMap((edge) => [-25, -1, 0, 0.5, 1, 24].map((hours) => edge + hours * hourMs)),
  ...fc.sample(fc.integer({ min: Date.UTC(1996, 0, 1), max: Date.UTC(2026, 0, 1) }), {
    numRuns: 300,
    seed: printedSeed('aggregate-dates'),
  }),
].map((ms) => new Date(ms));

beforeAll(async () => {
  for (const [key, type] of Object.entries({ seen: CustomField_Type.TIME, signed: CustomField_Type.DATE })) {
    const customField = { ...CustomField.decode(new Uint8Array()), key, type };
    await customers.call('createCustomField', { customField }, caller);
  }
  const items = moments.map((moment) => {
    const [signed] = moment.toISOString().split('T');
    return { customer: customerOf(person({ customFields: { seen: moment.toISOString(), signed } })) };
  });
  await customers.call('batchCreateCustomers', { batch: { items, mode: 1 } }, caller);
  const superuser = await customers.connectAsSuperuser();
  const seen = `(custom_fields->>'seen')::timestamptz`;
  await superuser.query(`update customer set create_time = ${seen} where tenant_id = $1`, [caller.tenantId]);
  await superuser.end();
  await customers.create(caller, person());
});

/** The calendar dates in a zone, by the calendar of the runtime and not by that of the database. */
function daysIn(timeZone: string): (moment: Date) => [year: number, month: number, day: number] {
  // To make one takes longer than to format hundreds of dates.
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (moment) => {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
    return [parts.get('year') ?? 0, parts.get('month') ?? 0, parts.get('day') ?? 0];
  };
}

const padded = (number: number) => String(number).padStart(2, '0');
/** The parts of a date in the contract's format. A week belongs to the year of its Thursday. */
const parts: Record<string, (day: [number, number, number]) => string> = {
  year: ([year]) => String(year),
  quarter: ([year, month]) => `${year}-Q${Math.ceil(month / 3)}`,
  month: ([year, month]) => `${year}-${padded(month)}`,
  day: ([year, month, day]) => `${year}-${padded(month)}-${padded(day)}`,
  week: ([year, month, day]) => {
    const thursday = new Date(Date.UTC(year, month - 1, day));
    thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
    const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
    const week = 1 + Math.floor((thursday.getTime() - first) / (7 * 24 * hourMs));
    return `${thursday.getUTCFullYear()}-W${padded(week)}`;
  },
};

async function counted(groupBy: string, timeZone?: string): Promise<Map<string | undefined, number>> {
  const request = { groupBy: [groupBy], timeZone };
  const { groups } = await customers.call('aggregateCustomers', request, caller);
  return new Map(groups.map(({ values, count }) => [values[0]?.value, count]));
}

function expected(part: string, timeZone: string): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  const dayOf = daysIn(timeZone);
  for (const moment of moments) {
    const value = parts[part]?.(dayOf(moment));
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

describe.each(Object.keys(parts))('groups by %s', (part) => {
  test.each(zones)('of times in %s have the boundaries of the zone', async (timeZone) => {
    const groups = expected(part, timeZone);
    expect(await counted(`customFields.seen.${part}`, timeZone)).toEqual(new Map([...groups, [undefined, 1]]));

    // The last customer was created today.
    const created = await counted(`createTime.${part}`, timeZone);
    const sum = [...created.values()].reduce((all, count) => all + count, 0);
    expect(sum).toBe(moments.length + 1);
    const more = [...created].filter(([value, count]) => count !== (groups.get(value) ?? 0));
    expect(more.map(([value, count]) => count - (groups.get(value) ?? 0))).toEqual([1]);
  });

  test('default to UTC, and parts of dates do not depend on the zone', async () => {
    const groups = new Map([...expected(part, 'UTC'), [undefined, 1]]);
    expect(await counted(`custom_fields.seen.${part}`)).toEqual(groups);
    for (const zone of [undefined, 'Pacific/Apia']) {
      expect(await counted(`customFields.signed.${part}`, zone)).toEqual(groups);
    }
  });
});

test('deals are grouped by month and stage, with sums', async () => {
  const sales = new SalesTenant(customers);
  const pipeline = await sales.createPipeline();
  const amount = { amount: '2.50', currencyCode: 'EUR' };
  for (const closeDate of ['2026-01-31', '2026-01-01', '2026-02-01', undefined]) {
    await sales.createDeal(pipeline, { closeDate, amount });
  }

  const request = { groupBy: ['closeDate.month', 'stage'], sum: ['amount'] };
  const { groups } = await customers.call('aggregateDeals', request, sales.caller);

  expect(groups.map(({ values, count, sums }) => [...values.map(({ value }) => value), count, sums[0]?.value])).toEqual(
    [
      ['2026-01', 'new', 2, '5.00'],
      ['2026-02', 'new', 1, '2.50'],
      [undefined, 'new', 1, '2.50'],
    ],
  );
});

test.each<[Partial<AggregateCustomersRequest>, string, string]>([
  [{ groupBy: ['createTime.hour'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['createTime'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['createTime.month.day'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['createTime.constructor'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['kind.month'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['deleteTime.day'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['birthDate.day'] }, 'groupBy[0]', 'GROUP_INVALID'],
  [{ groupBy: ['customFields.seen'] }, 'groupBy[0]', 'GROUP_INVALID'],
  ...['Europe/Nowhere', '+02:00', `UTC'`, 'europe/berlin', 'posix/UTC', 'localtime'].map(
    (timeZone): [Partial<AggregateCustomersRequest>, string, string] => [
      { groupBy: ['createTime.month'], timeZone },
      'timeZone',
      'TIME_ZONE_UNKNOWN',
    ],
  ),
])('refuses %o', async (request, field, reason) => {
  await expect(customers.call('aggregateCustomers', request, caller)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field, reason }],
  });
});
