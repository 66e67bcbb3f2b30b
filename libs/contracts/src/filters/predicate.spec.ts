import { AppError } from '@rapport/platform';
import { describe, expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { recordContracts } from '../records/record-contract.js';
import type { CustomFieldDefinition, CustomFieldType } from '../values/custom-field-value.js';
import { filterTable } from './filter-table.js';
import { compilePredicate, matchChange } from './predicate.js';
import { parseFilter, restrictionsOf } from './parse-filter.js';
import type { Present } from './read-value.js';

const records = recordContracts(platformContract());
const field = (key: string, type: CustomFieldType, options: string[] = []): CustomFieldDefinition => ({
  ...{ key, type, options: options.map((value) => ({ value })) },
});
const custom = [
  field('seats', 'NUMBER'),
  field('note', 'TEXT'),
  field('called', 'TIME'),
  field('plan', 'SELECT', ['Gold']),
];

function tableOf(singular: string) {
  const contract = records.find((record) => record.singular === singular);
  return filterTable(contract ?? expect.fail(singular), custom);
}

const ada = {
  id: '019ab2f4-0000-7000-8000-000000000001',
  kind: 'PERSON',
  displayName: 'Ada Løvelace',
  givenName: 'Ada',
  emails: [{ address: 'Ada@Example.com' }],
  phones: [{ number: '+4930901820' }],
  addresses: [{ city: 'São Paulo' }, { state: 'RJ' }],
  externalIds: [{ system: 'erp', value: '4711' }],
  tags: ['VIP'],
  domains: [],
  lifecycleStage: 'LEAD',
  createTime: '2026-11-28T10:00:00.123Z',
  customFields: { seats: -2.5, note: 'Émile', called: '2026-11-28T09:00:00.000Z', plan: 'Gold' },
};
const deal = {
  title: 'Big one',
  amount: { amount: '12.50', currencyCode: 'EUR' },
  closeDate: '2026-12-24',
  stageTime: '2026-11-01T00:00:00Z',
};
const now: Present = { now: new Date('2026-11-28T12:00:00Z'), timeZone: 'UTC' };

describe('a filter is true of a customer', () => {
  test.each([
    [`id = "${ada.id.toUpperCase()}"`, true],
    ['kind = person AND kind != COMPANY', true],
    ['lifecycleStage > SUBSCRIBER AND lifecycle_stage < CUSTOMER', true],
    ['displayName = "ada lovelace"', true],
    ['displayName:"*LÓVE*"', true],
    ['displayName:"*ada"', false],
    ['displayName:"*lace"', true],
    ['displayName BETWEEN ada AND adb', true],
    ['familyName < z', false],
    ['NOT familyName < z', true],
    ['emails:"*@example.com" AND emails:ada@*', true],
    ['emails:*@example', false],
    ['phones IN ("030 901820", 1)', true],
    ['phones:"*1820" AND phones:+4930901820', true],
    ['phones:"*901*"', true],
    ['city:"sao paulo" AND state:rj AND state:*', true],
    ['postalCode:*', false],
    ['externalIds:erp AND externalIds:erp/47* AND NOT externalIds:erp/47', true],
    ['tags IN (x, vip)', true],
    ['tags:vi', false],
    ['domains:*', false],
    ['createTime = 2026-11-28T10:00:00.123000Z', true],
    ['createTime < 2026-11-28T10:00:00.1235Z', true],
    ['createTime >= now-2h AND createTime < now', true],
    ['createTime >= today AND createTime < today+1d', true],
    ['createTime > now-1h', false],
    ['updateTime > now', false],
    ['customFields.seats < -2 AND customFields.seats IN (-2.5, 7)', true],
    ['customFields.note = emile AND customFields.note = "em*"', true],
    ['customFields.called < now-2h AND customFields.called > now-1w', true],
    ['customFields.plan = GOLD', true],
    ['', true],
  ])('%s: %s', (filter, expected) => {
    expect(compilePredicate(filter, tableOf('customer'))(ada, now)).toBe(expected);
    expect(
      parseFilter(filter) === undefined || compilePredicate(`NOT (${filter})`, tableOf('customer'))(ada, now),
    ).toBe(parseFilter(filter) === undefined || !expected);
  });
});

test.each([
  ['amount >= "eur 12.5" AND amount = EUR*', true],
  ['amount > "USD 1"', false],
  ['amount = "12.5 eur" AND amount < "12.51 EUR"', true],
  ['closeDate BETWEEN today AND today+30d', true],
  ['closeDate < today', false],
  ['stageTime < now-2w', true],
  ['ownerId:*', false],
])('a filter is true of a deal: %s: %s', (filter, expected) => {
  expect(compilePredicate(filter, tableOf('deal'))(deal, now)).toBe(expected);
});

test.each([
  ['related.deal = "019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11"', true],
  ['related.customer = "019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11"', false],
  ['related.deal != "019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a12"', true],
  ['related.deal:* AND NOT related.customer:*', true],
])('a filter is true of a task about a deal: %s: %s', (filter, expected) => {
  const task = { related: [{ type: 'deal', id: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11' }] };
  expect(compilePredicate(filter, tableOf('task'))(task, now)).toBe(expected);
});

test.each([
  ['customer.displayName = x', 'FILTER_FIELD_UNKNOWN', 'is about another record'],
  ['nick_name = x', 'FILTER_FIELD_UNKNOWN', 'nickName is no field; fields are id'],
  ['my_note = x', 'FILTER_FIELD_UNKNOWN', 'customFields.<key>; a custom field my_note is customFields.my_note'],
  ['customFields.nothing = x', 'FILTER_FIELD_UNKNOWN', 'nothing is not defined'],
  ['stage > x', 'FILTER_NOT_INDEXED', 'stage can be compared by =, !=, IN and ":*"; it has no order'],
  ['title:"*ab*"', 'FILTER_NOT_INDEXED', 'three or more letters'],
  ['title:"**"', 'FILTER_NOT_INDEXED', 'three or more letters'],
  ['title:"a*b"', 'FILTER_NOT_INDEXED', 'no * stands within a value'],
  ['customFields.note:"*abc*"', 'FILTER_NOT_INDEXED', 'by how it begins, as in "abc*"; no index'],
  ['createTime > now-1y', 'FILTER_VALUE_INVALID', 'now-30d'],
  ['createTime > now-200000d', 'FILTER_VALUE_INVALID', 'now-30d'],
  ['createTime > 0000-01-01', 'FILTER_VALUE_INVALID', 'now-30d'],
  ['closeDate > now', 'FILTER_VALUE_INVALID', 'today-30d'],
  ['amount > 12', 'FILTER_VALUE_INVALID', 'EUR 12.50'],
  ['amount > "EUR 1 2"', 'FILTER_VALUE_INVALID', 'EUR 12.50'],
  ['ownerId = me', 'FILTER_WITHOUT_USER', 'at character 11: ownerId is not compared with me here'],
  [
    'ownerId IN ("me", 1)',
    'FILTER_VALUE_INVALID',
    'at character 13: ownerId must be a UUID, or me without quotation marks',
  ],
  ['ownerTeamId = me', 'FILTER_VALUE_INVALID', 'ownerTeamId must be a UUID'],
  ['status = DONE', 'FILTER_VALUE_INVALID', 'must be one of OPEN, WON, LOST'],
])('%s is refused with the supported comparisons', (filter, reason, description) => {
  const error = (() => {
    try {
      return void compilePredicate(filter, tableOf('deal'));
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(AppError);
  const violations = [{ field: 'filter', reason, description: expect.stringContaining(description) as string }];
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', violations });
});

test('a change enters and leaves the selection of a filter', () => {
  const isVip = compilePredicate('tags:vip', tableOf('customer'));
  const [vip, other] = [{ tags: ['vip'] }, { tags: [] }];

  expect(matchChange(isVip, { after: vip }, now)).toEqual({ before: false, after: true, entered: true, left: false });
  expect(matchChange(isVip, { before: other, after: vip }, now)).toMatchObject({ entered: true, left: false });
  expect(matchChange(isVip, { before: vip, after: vip }, now)).toMatchObject({
    after: true,
    entered: false,
    left: false,
  });
  expect(matchChange(isVip, { before: vip, after: other }, now)).toMatchObject({ entered: false, left: true });
  expect(matchChange(isVip, { before: vip }, now)).toEqual({ before: true, after: false, entered: false, left: true });
});

test('the id of a pipeline is its own, not that of a stage', () => {
  const hasId = compilePredicate(`id = ${ada.id}`, tableOf('pipeline'));

  expect(hasId({ id: ada.id, stages: [] }, now)).toBe(true);
  expect(hasId({ id: 'other', stages: [{ id: ada.id }] }, now)).toBe(false);
});

test('fields are named in lowerCamelCase, in any spelling', () => {
  const tree = parseFilter('display_name = a OR custom_fields.my_key = b') ?? expect.fail();
  expect(restrictionsOf(tree).map((restriction) => restriction.field)).toEqual(['displayName', 'customFields.my_key']);
});

test.each([
  // Half past eleven at night in New York, where it is still the day before.
  ['America/New_York', '2026-03-08T04:30:00Z', 'closeDate = today', '2026-03-07'],
  ['UTC', '2026-03-08T04:30:00Z', 'closeDate = today', '2026-03-08'],
  ['Asia/Tokyo', '2026-03-08T15:00:00Z', 'closeDate = today-1w', '2026-03-02'],
])('in %s at %s, %s is true of %s', (timeZone, moment, filter, closeDate) => {
  expect(compilePredicate(filter, tableOf('deal'))({ closeDate }, { now: new Date(moment), timeZone })).toBe(true);
});

test.each([
  // The day of the clock change has 23 hours.
  ['stageTime >= today', '2026-03-08T05:00:00Z'],
  ['stageTime >= today+1d', '2026-03-09T04:00:00Z'],
  ['stageTime >= today-1d', '2026-03-07T05:00:00Z'],
  ['stageTime >= today+24h', '2026-03-09T05:00:00Z'],
  ['stageTime >= 2026-03-09', '2026-03-09T04:00:00Z'],
  ['stageTime >= now-1d', '2026-03-07T16:00:00Z'],
])('in New York on the day of the change of clocks, %s begins at %s', (filter, first) => {
  const present = { now: new Date('2026-03-08T16:00:00Z'), timeZone: 'America/New_York' };
  const meets = compilePredicate(filter, tableOf('deal'));
  expect(meets({ stageTime: first }, present)).toBe(true);
  expect(meets({ stageTime: new Date(Date.parse(first) - 1).toISOString() }, present)).toBe(false);
});
