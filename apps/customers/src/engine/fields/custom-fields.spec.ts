import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { describe, expect, test } from 'vitest';
import { definition } from '../../../test/custom-field-definition.js';
import { CustomFields, type CustomValues } from './custom-fields.js';

const { PERSON, COMPANY } = CustomerKind;
const options = ['gold', 'silver'].map((value) => ({ value }));
const fields = new CustomFields([
  definition('plan', 'SELECT', { options, searchable: true }),
  definition('note', 'TEXT', { searchable: true }),
  definition('secret', 'TEXT'),
  definition('turnover', 'MONEY', { kind: 'COMPANY' }),
  definition('colours', 'MULTI_SELECT', { options, searchable: true }),
  definition('friend', 'REFERENCE'),
  definition('old', 'TEXT', { deleteTime: new Date() }),
  definition('old_price', 'MONEY', { deleteTime: new Date() }),
]);

function reasons(given: CustomValues, kind = PERSON, before?: CustomValues): string[][] {
  return fields.read(given, kind, before).violations.map(({ field, reason }) => [field, reason]);
}

describe('a value', () => {
  test('that is null, or an empty list of options, counts as absent', () => {
    expect(fields.read({ plan: null, colours: [] }, PERSON)).toEqual({ values: undefined, violations: [] });
  });

  test('of an unknown field, or of a field of the other kind, is refused with its path', () => {
    const turnover = { amount: '1', currencyCode: 'EUR' };
    expect(reasons({ nothing: 1, turnover, plan: 'bronze' })).toEqual([
      ['customFields.nothing', 'UNKNOWN_FIELD'],
      ['customFields.turnover', 'NOT_ALLOWED'],
      ['customFields.plan', 'UNKNOWN_VALUE'],
    ]);
    expect(reasons({ turnover }, COMPANY)).toEqual([]);
  });

  test('of a deleted field stays, is immutable, and can be cleared', () => {
    const before = { old: 'x', old_price: { amount: '1', currencyCode: 'EUR' } };

    expect(fields.read({ old: 'x', old_price: { currencyCode: 'EUR', amount: '1' } }, PERSON, before)).toEqual({
      values: before,
      violations: [],
    });
    expect(reasons({ old: 'x' })).toEqual([['customFields.old', 'UNKNOWN_FIELD']]);
    expect(reasons({ old: 'y' }, PERSON, before)).toEqual([['customFields.old', 'UNKNOWN_FIELD']]);
    expect(fields.read({ ...before, old: null }, PERSON, before).values).toEqual({ old_price: before.old_price });
  });
});

test('errors of many values, or of one with a long name, are bounded', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`.padEnd(10_000, 'y'), 1]));
  const { violations } = fields.read(many, PERSON);
  expect([violations.length, Math.max(...violations.map(({ field }) => field.length))]).toEqual([100, 73]);
});

test('values have terms, also those of deleted fields, and are searchable where the field says so', () => {
  const values = { plan: 'gold', note: 'Größe', secret: 's', colours: ['gold', 'silver'], old: 'x', gone: 1 };
  expect(fields.index(values)).toEqual({
    terms: [
      'x.plan',
      'x.plan:gold',
      'x.note',
      'x.note:grosse',
      'x.secret',
      'x.secret:s',
      'x.colours',
      'x.colours:gold',
      'x.colours:silver',
      'x.old',
      'x.old:x',
    ],
    orderValues: { note: 'grosse', secret: 's', old: 'x' },
    searchTexts: ['gold', 'Größe', 'gold', 'silver'],
  });
});

test('references are the new or changed values that are valid ids', () => {
  const [one, other] = [1, 2].map((digit) => `019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a1${digit}`) as [string, string];
  expect(fields.references({ friend: one, note: other })).toEqual([{ key: 'friend', id: one }]);
  expect(fields.references({ friend: one }, { friend: one })).toEqual([]);
  expect(fields.references({ friend: other }, { friend: one })).toEqual([{ key: 'friend', id: other }]);
  expect(fields.references({ friend: 'nobody' })).toEqual([]);
});
