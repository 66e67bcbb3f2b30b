import type { ExpressionField } from '@rapport/contracts/expressions';
import { Deal, DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { printedSeed } from '@rapport/testing';
import { expect, test } from 'vitest';
import { SeedRandom } from '../../../seed/seed-random.ts';
import { expressionFault, isMet } from './deal-expression.js';

const definitions: ExpressionField[] = [
  { key: 'plan', type: 'SELECT' },
  { key: 'seats', type: 'NUMBER' },
  { key: 'regions', type: 'MULTI_SELECT' },
  { key: 'budget', type: 'MONEY' },
];
const now = new Date('2026-11-01T00:00:00Z');
const deal: Deal = {
  ...Deal.decode(new Uint8Array()),
  ...{ title: '50 seats', stage: 'new', status: DealStatus.OPEN, tags: ['approved', 'vip'] },
  ...{ amount: { currencyCode: 'EUR', amount: '12000.50' }, stageTime: '2026-10-01T00:00:00.000Z' },
  customFields: { plan: 'gold', seats: 50, regions: ['eu'], budget: { currencyCode: 'EUR', amount: '9' } },
};

test.each([
  ['deal.title == "50 seats" && deal.status == "OPEN"', true],
  ['has(deal.amount) && double(deal.amount.amount) >= 12000.5', true],
  ['has(deal.closeDate)', false],
  ['!has(deal.closeDate) || deal.closeDate > "2026-11-01"', true],
  ['deal.tags.exists(tag, tag == "approved")', true],
  ['deal.tags.all(tag, tag.startsWith("a"))', false],
  ['size(deal.tags.filter(tag, tag in ["vip", "top"])) == 1', true],
  ['now - deal.stageTime > duration("720h")', true],
  ['deal.stageTime.getFullYear() == 2026', true],
  ['deal.customFields.plan == "gold" && deal.customFields.seats >= 50', true],
  ['"eu" in deal.customFields.regions', true],
  ['double(deal.customFields.budget.amount) < 10.0', true],
  ['decimal(deal.amount.amount) == decimal("12000.500") && decimal(12000) < decimal(deal.amount.amount)', true],
  ['decimal("0.1") + decimal("0.2") == decimal("0.3") && decimal("0.1") - decimal("0.2") != decimal("0.1")', true],
  ['decimal(deal.amount.amount) * decimal("0.1") > decimal("1200.049999999")', true],
  ['decimal("9007199254740993") > decimal("9007199254740992.999999999")', true],
  ['decimal(deal.customFields.budget.amount) >= decimal("9.000000001")', false],
  ['deal.tags.all(tag, decimal("-1") <= decimal(size(tag)))', true],
])('%s is %s', (expression, met) => {
  expect(expressionFault(expression, definitions)).toBeUndefined();
  expect(isMet(expression, deal, now)).toBe(met);
});

test.each([
  ['deal.closeDate > "2026"', 'an absent field'],
  ['deal.customFields.plan == "gold"', 'an absent custom field'],
  ['1 / size(deal.externalIds) == 1', 'a division by zero'],
  ['decimal(deal.title) > decimal("1")', 'a text that is no number'],
])('%s is not met: it has no value because of %s', (expression) => {
  expect(expressionFault(expression, definitions)).toBeUndefined();
  expect(isMet(expression, { ...deal, customFields: undefined }, now)).toBe(false);
});

test.each([
  ['deal.titel == "x"', 'No such key: titel'],
  ['deal.customFields.unknown == "x"', 'No such key: unknown'],
  ['deal.title > 5', 'no such overload: string > int'],
  ['deal.customFields.seats == "x"', 'no such overload: double == string'],
  ['deal.title', 'has the type string, not bool'],
  ['deal.title ==', 'Unexpected token: EOF'],
  ['decimal(deal.amount.amount) > 5', 'no such overload: Decimal > int'],
  ['decimal(deal.customFields.seats) > decimal("5")', "found no matching overload for 'decimal(double)'"],
  ['decimal("1").units == 1', 'No such key: units'],
  ['deal.title == "x" || decimal("12,5") < decimal("13")', '"12,5" is not a decimal number'],
  ['customer.title == "x"', 'Unknown variable: customer'],
  ['deal.title.matches("(a+)+$")', 'matches is not supported'],
  ['dyn(deal).title == 1', 'dyn is not supported'],
  ['cel.bind(x, deal.title + deal.title, x == "")', 'bind is not supported'],
  ['deal.tags.map(tag, tag + tag).size() > 1', 'map is not supported'],
])('%s is refused: %s', (expression, description) => {
  expect(expressionFault(expression, definitions)).toEqual({
    reason: 'BAD_EXPRESSION',
    description: `must be a condition: ${description}`,
  });
});

test.each([
  ['a loop in a loop', 'deal.tags.all(a, deal.tags.all(b, a != b))'],
  ['many parts', Array.from({ length: 80 }, () => 'has(deal.amount)').join(' || ')],
  ['much depth', `${'!('.repeat(60)}true${')'.repeat(60)}`],
])('an expression with %s is too large', (_, expression) => {
  expect(expressionFault(expression, definitions)).toMatchObject({ reason: 'EXPRESSION_TOO_LARGE' });
});

test('the list of a loop may be the result of another one', () => {
  const expression = 'deal.tags.filter(a, a != "x").exists(b, b == "vip")';

  expect(expressionFault(expression, definitions)).toBeUndefined();
  expect(isMet(expression, deal, now)).toBe(true);
});

test('decimal numbers order as rational numbers do, over random texts', () => {
  const random = new SeedRandom(printedSeed('decimals'));
  const digits = (count: number) => Array.from({ length: count }, () => random.below(10)).join('');
  const text = () => {
    const fraction = digits(random.below(10));
    return `${random.below(2) === 0 ? '-' : ''}${digits(1 + random.below(18))}${fraction === '' ? '' : `.${fraction}`}`;
  };
  const scaled = (number: string) => {
    const [integer = '', fraction = ''] = number.replace('-', '').split('.');
    return BigInt(integer + fraction.padEnd(9, '0')) * (number.startsWith('-') ? -1n : 1n);
  };
  for (let round = 0; round < 300; round += 1) {
    const one = text();
    // Some differ in their last digit only, in which doubles are equal.
    const other = random.below(2) === 0 ? text() : `${one.slice(0, -1)}${random.below(10)}`;
    for (const [operator, met] of [
      ['==', scaled(one) === scaled(other)],
      ['<', scaled(one) < scaled(other)],
      ['>=', scaled(one) >= scaled(other)],
    ] as const) {
      const expression = `decimal("${one}") ${operator} decimal("${other}")`;
      expect(isMet(expression, deal, now), expression).toBe(met);
    }
  }
});
