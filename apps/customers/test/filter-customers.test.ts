import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { AppError, Caller } from '@rapport/platform';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filterFieldNames } from '../src/filter/filter-fields.js';
import { company, newCaller, person, RunningCustomers } from './running-customers.js';

const seed = 20_260_731;

let customers: RunningCustomers;
let caller: Caller;
let ada: Customer;
let acme: Customer;

beforeAll(async () => {
  customers = await RunningCustomers.start();
  caller = newCaller();
  acme = await customers.create(
    caller,
    company({
      displayName: 'Acme',
      domains: ['acme.example', 'acme.test'],
      addresses: [
        { city: 'São Paulo', countryCode: 'BR' },
        { city: 'Rio', state: 'RJ' },
      ],
      lifecycleStage: LifecycleStage.CUSTOMER,
      externalIds: [{ system: 'erp', value: '4711' }],
    }),
  );
  ada = await customers.create(
    caller,
    person({
      displayName: 'Ada "The" O\'Byron\\',
      givenName: 'Ada',
      emails: [{ address: 'Ada@Example.com' }, { address: 'ada@home.test' }],
      phones: [{ number: '+49 30 901820' }],
      tags: ['VIP', 'new york'],
      lifecycleStage: LifecycleStage.LEAD,
      companyId: acme.id,
      source: '100%_*',
    }),
  );
  await customers.create(caller, person({ displayName: 'Zoë' }));
});
afterAll(() => customers.stop());

const all = ['Acme', 'Ada "The" O\'Byron\\', 'Zoë'];
const [acmeName = '', adaName = '', zoe = ''] = all;

test.each<[string, string[]]>([
  ['', all],
  ['  ', all],
  ['kind = PERSON', [adaName, zoe]],
  ['kind=person', [adaName, zoe]],
  ['kind != PERSON', [acmeName]],
  ['NOT kind = PERSON', [acmeName]],
  ['-kind = PERSON', [acmeName]],
  ['-(kind = PERSON)', [acmeName]],
  ['display_name = "Acme"', [acmeName]],
  ['displayName = Acme', [acmeName]],
  ['display_name = acme', []],
  ['display_name = A*', [acmeName, adaName]],
  ["display_name = 'A*'", [acmeName, adaName]],
  ['display_name = "A\\*"', []],
  [`display_name = "Ada \\"The\\" O'Byron\\\\"`, [adaName]],
  ['display_name >= "b"', [zoe]],
  ['display_name < "ADB"', [acmeName, adaName]],
  ['display_name > ZOE', []],
  ['given_name = Ada', [adaName]],
  ['given_name != Ada', [acmeName, zoe]],
  ['NOT given_name = Ada', [acmeName, zoe]],
  ['NOT (given_name = Ada AND kind = PERSON)', [acmeName, zoe]],
  ['given_name:*', [adaName]],
  ['NOT company_id:*', [acmeName, zoe]],
  ['given_name > A', [adaName]],
  ['source = "100%_\\*"', [adaName]],
  ['source = "100%_*"', [adaName]],
  ['source = "1%"', []],
  ['lifecycle_stage = LEAD', [adaName]],
  ['lifecycle_stage > LEAD', [acmeName]],
  ['lifecycleStage <= customer', [acmeName, adaName]],
  ['emails:ada@example.COM', [adaName]],
  ['emails:"ada@h*"', [adaName]],
  ['emails:example.com', []],
  ['NOT emails:*', [acmeName, zoe]],
  ['phones:"+49 (30) 90-1820"', [adaName]],
  ['phones:+4930*', [adaName]],
  ['domains:ACME.test', [acmeName]],
  ['domains:acme.*', [acmeName]],
  ['tags:vip', [adaName]],
  ['tags:"New York"', [adaName]],
  ['tags != vip', [acmeName, zoe]],
  ['external_ids:erp', [acmeName]],
  ['external_ids:"erp/4711"', [acmeName]],
  ['external_ids:erp/47*', [acmeName]],
  ['external_ids:erp/47', []],
  ['external_ids:er', []],
  ['city:"são paulo"', [acmeName]],
  ['city:rio AND state:rj', [acmeName]],
  ['country_code:br', [acmeName]],
  ['create_time > 2020-01-01', all],
  ['create_time > "2020-01-01T00:00:00.123456789+02:00"', all],
  ['update_time < 2020-01-01T00:00:00Z', []],
  ['kind = COMPANY OR tags:vip', [acmeName, adaName]],
  // OR binds closer than AND (AIP-160).
  ['kind = PERSON AND tags:vip OR given_name:*', [adaName]],
  ['tags:vip OR kind = COMPANY AND kind = COMPANY', [acmeName]],
  ['(tags:vip) OR (kind = COMPANY AND kind = COMPANY)', [acmeName, adaName]],
  ['kind = PERSON tags:vip', [adaName]],
  ['kind = PERSON AND NOT (tags:vip OR domains:*)', [zoe]],
])('%s', async (filter, expected) => {
  expect(await customers.names(caller, { filter, orderBy: 'display_name' })).toEqual(expected);
});

test('compares ids', async () => {
  expect(await customers.names(caller, { filter: `company_id = ${acme.id}` })).toEqual([adaName]);
  expect(await customers.names(caller, { filter: `id = "${ada.id.toUpperCase()}"` })).toEqual([adaName]);
  expect(await customers.names(caller, { filter: `id > ${ada.id}` })).toEqual([zoe]);
});

test('finds deleted customers by their unique values too', async () => {
  const caller = newCaller();
  const { id } = await customers.create(
    caller,
    company({ emails: [{ address: 'a@b.test' }], domains: ['b.test'], externalIds: [{ system: 'erp', value: '1' }] }),
  );
  await customers.delete(caller, id);

  for (const filter of ['emails:a@b.test', 'domains:b.test', 'external_ids:erp/1']) {
    const { customers: found } = await customers.call('listCustomers', { filter, showDeleted: true }, caller);
    expect(
      found.map((row) => row.id),
      filter,
    ).toEqual([id]);
    expect(await customers.names(caller, { filter }), filter).toEqual([]);
  }
});

test.each([
  ['kind', 'FILTER_SYNTAX', 5],
  ['kind = ', 'FILTER_SYNTAX', 8],
  ['(kind = PERSON', 'FILTER_SYNTAX', 1],
  ['kind = PERSON)', 'FILTER_SYNTAX', 14],
  ['kind = PERSON AND', 'FILTER_SYNTAX', 15],
  ['display_name = "😀" AND "', 'FILTER_SYNTAX', 24],
  ['tags > a', 'FILTER_SYNTAX', 6],
  ['-'.repeat(21), 'FILTER_SYNTAX', 22],
  ['nick_name = "x"', 'FILTER_FIELD_UNKNOWN', 1],
  ['kind = PERSON AND constructor:1', 'FILTER_FIELD_UNKNOWN', 19],
  ['kind = ROBOT', 'FILTER_VALUE_INVALID', 8],
  ['id = 4711', 'FILTER_VALUE_INVALID', 6],
  ['create_time > yesterday', 'FILTER_VALUE_INVALID', 15],
  ['create_time > 0000-01-01', 'FILTER_VALUE_INVALID', 15],
  ['create_time > "9999-12-31T23:59:59-14:00"', 'FILTER_VALUE_INVALID', 15],
  ['create_time > 2026-02-3*', 'FILTER_VALUE_INVALID', 15],
])('refuses %s with the position of the error', async (filter, reason, position) => {
  const error = await customers.names(caller, { filter }).catch((thrown: unknown) => thrown as AppError);

  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field: 'filter', reason }] });
  expect((error as AppError).violations[0]?.description).toMatch(new RegExp(`^at character ${position}: `));
});

test(`answers whatever filter of valid form, or tells what is wrong with it (seed ${seed})`, async () => {
  const word = fc.oneof(
    fc.constantFrom('PERSON', '*', 'a*', '2026-01-31', '%', "'", '\\', '?', ':a', '$1', '\u202e', acme.id, '+49'),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  );
  const value = word.map((text) => JSON.stringify(text.replaceAll('\0', '')));
  const restriction = fc
    .tuple(fc.constantFrom(...filterFieldNames), fc.constantFrom('=', '!=', '<', '<=', '>', '>=', ':'), value)
    .map((parts) => parts.join(' '));
  const filter = fc
    .array(fc.tuple(fc.constantFrom('', 'NOT ', '-'), restriction), { minLength: 1, maxLength: 4 })
    .chain((terms) =>
      fc.constantFrom(' AND ', ' OR ', ' ').map((join) => terms.map((term) => term.join('')).join(join)),
    );

  await fc.assert(
    fc.asyncProperty(filter, fc.boolean(), async (text, showDeleted) => {
      const answer = await customers
        .call('listCustomers', { filter: text, showDeleted }, caller)
        .catch((error: unknown) => error as AppError);
      if ('customers' in answer) return;
      expect(answer.code).toBe('INVALID_ARGUMENT');
      expect(answer.violations[0]?.reason).toMatch(/^FILTER_/);
    }),
    { seed, numRuns: 400 },
  );
});
