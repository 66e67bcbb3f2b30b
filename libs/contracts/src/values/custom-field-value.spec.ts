import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { customFieldKinds, type CustomFieldType } from './custom-field-value.js';

const runs = { numRuns: 2_000 };
const options = ['gold', 'Größe', 'dark blue'].map((value) => ({ value }));

function read(type: CustomFieldType, given: unknown): unknown {
  const result = customFieldKinds[type].read(given, options);
  return 'value' in result ? result.value : expect.fail(`${type} ${JSON.stringify(given)}: ${result.reason}`);
}

function reason(type: CustomFieldType, given: unknown): string | undefined {
  const result = customFieldKinds[type].read(given, options);
  return 'reason' in result ? result.reason : undefined;
}

function order(type: CustomFieldType, given: unknown): Buffer {
  return Buffer.from(customFieldKinds[type].order?.(read(type, given)) ?? expect.fail(`${type} has no order`));
}

/** 27 digits: the units of 10⁻⁹ that a decimal number has. */
const units = fc.bigInt({ min: -(10n ** 27n) + 1n, max: 10n ** 27n - 1n });

/** The number as text in one of the forms that it may have. */
const decimals = fc.tuple(units, fc.boolean(), fc.boolean()).map(([value, plus, padded]) => {
  const digits = String(value < 0n ? -value : value).padStart(10, '0');
  const integer = padded ? digits.slice(0, -9).padStart(18, '0') : digits.slice(0, -9);
  const sign = value < 0n ? '-' : plus ? '+' : '';
  const fraction = padded ? digits.slice(-9) : digits.slice(-9).replace(/0{1,9}$/, '');
  return { value, text: `${sign}${integer}${fraction === '' ? '' : `.${fraction}`}` };
});
/** Also close to each other, so that equal values and different signs occur. */
const nearDecimals = fc.oneof(
  decimals,
  fc
    .integer({ min: -30, max: 30 })
    .map((tenths) => ({ value: BigInt(tenths) * 10n ** 8n, text: (tenths / 10).toFixed(1) })),
);

function sign(one: bigint | number | string, other: bigint | number | string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

describe('order values sort byte by byte as', () => {
  test('decimal numbers', () => {
    fc.assert(
      fc.property(nearDecimals, nearDecimals, (one, other) => {
        expect(order('DECIMAL', one.text).compare(order('DECIMAL', other.text))).toBe(sign(one.value, other.value));
      }),
      runs,
    );
  });

  test('doubles', () => {
    const numbers = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, 1, -1),
    );
    fc.assert(
      fc.property(numbers, numbers, (one, other) => {
        expect(order('NUMBER', one).compare(order('NUMBER', other))).toBe(sign(one, other));
      }),
      runs,
    );
  });

  test('money of one currency by its amount, and currencies by their codes', () => {
    const money = fc.record({ amount: nearDecimals, currencyCode: fc.constantFrom('EUR', 'JPY', 'USD') });
    const given = ({ amount, currencyCode }: { amount: { text: string }; currencyCode: string }) => ({
      amount: amount.text,
      currencyCode,
    });
    fc.assert(
      fc.property(money, money, (one, other) => {
        const expected = sign(one.currencyCode, other.currencyCode) || sign(one.amount.value, other.amount.value);
        expect(order('MONEY', given(one)).compare(order('MONEY', given(other)))).toBe(expected);
      }),
      runs,
    );
  });

  const year = {
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  };

  test('days', () => {
    fc.assert(
      fc.property(fc.date(year), fc.date(year), (one, other) => {
        const [day, otherDay] = [one, other].map((date) => date.toISOString().slice(0, 10)) as [string, string];
        const expected = sign(Date.parse(day), Date.parse(otherDay));
        expect(order('DATE', day).compare(order('DATE', otherDay))).toBe(expected);
      }),
      runs,
    );
  });

  test('moments, in any time zone', () => {
    const inner = { ...year, min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T23:59:59.999Z') };
    const moments = fc.tuple(fc.date(inner), fc.integer({ min: -23, max: 23 })).map(([moment, hours]) => {
      const local = new Date(moment.getTime() + hours * 3_600_000).toISOString().slice(0, -1);
      const zone = `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:00`;
      return { moment: moment.getTime(), text: local + zone };
    });
    fc.assert(
      fc.property(moments, moments, (one, other) => {
        expect(order('TIME', one.text).compare(order('TIME', other.text))).toBe(sign(one.moment, other.moment));
      }),
      runs,
    );
  });
});

/** Valid values, by type. */
const values: Record<CustomFieldType, fc.Arbitrary<unknown>> = {
  TEXT: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }).filter((text) => text.trim() !== ''),
  NUMBER: fc.double({ noNaN: true, noDefaultInfinity: true }),
  DECIMAL: decimals.map(({ text }) => text),
  MONEY: fc.record({ currencyCode: fc.constantFrom('EUR', 'JPY'), amount: decimals.map(({ text }) => text) }),
  DATE: fc.constantFrom('2026-01-31', '2024-02-29', '0001-01-01'),
  TIME: fc.constantFrom('2026-01-31T09:30:00Z', '2026-01-31t09:30:00.123456+02:00'),
  BOOLEAN: fc.boolean(),
  SELECT: fc.constantFrom('gold', 'GOLD', 'grosse', 'Dark Blue'),
  MULTI_SELECT: fc.array(fc.constantFrom('gold', 'GOLD', 'Größe', 'dark blue'), { minLength: 1, maxLength: 50 }),
  URL: fc.webUrl(),
  REFERENCE: fc.uuid(),
};
const types = Object.keys(values) as CustomFieldType[];

describe.each(types)('a value of type %s', (type) => {
  test('is unchanged when its result is read again, also from the database', () => {
    fc.assert(
      fc.property(values[type], (given) => {
        const value = read(type, given);
        expect(read(type, JSON.parse(JSON.stringify(value)))).toEqual(value);
      }),
    );
  });

  test('has terms that an index can hold, and a short order value', () => {
    const kind = customFieldKinds[type];
    fc.assert(
      fc.property(values[type], (given) => {
        const value = read(type, given);
        expect(kind.terms(value).every((term) => Buffer.byteLength(term) < 1_500)).toBe(true);
        expect(Array.from(kind.order?.(value) ?? '').length).toBeLessThanOrEqual(200);
      }),
    );
  });
});

describe('equal values have equal terms:', () => {
  const terms = (type: CustomFieldType, given: unknown) => customFieldKinds[type].terms(read(type, given)).toSorted();

  test.each<[CustomFieldType, unknown, unknown]>([
    ['TEXT', 'Größe', ' GROSSE '],
    ['NUMBER', 0, -0],
    ['DECIMAL', '1.50', '+01.5'],
    ['DECIMAL', '-0.0', '0'],
    ['MONEY', { amount: '1.50', currencyCode: 'EUR' }, { currencyCode: 'EUR', amount: '1.5' }],
    ['TIME', '2026-01-31T10:30:00+01:00', '2026-01-31T09:30:00Z'],
    ['SELECT', 'gold', 'GOLD'],
    ['MULTI_SELECT', ['gold', 'dark blue', 'Gold'], ['DARK BLUE', 'gold']],
  ])('%s %j and %j', (type, one, other) => {
    expect(terms(type, one)).toEqual(terms(type, other));
  });

  test('and long texts that start alike have different ones', () => {
    const start = 'x'.repeat(900);
    expect(terms('TEXT', `${start}1`)).not.toEqual(terms('TEXT', `${start}2`));
    expect(terms('URL', `https://x.example/${start}1`)).not.toEqual(terms('URL', `https://x.example/${start}2`));
  });
});

test.each<[CustomFieldType, string, unknown[]]>([
  ['TEXT', 'WRONG_TYPE', [1, true, [], {}]],
  ['TEXT', 'TOO_SHORT', ['', '  ']],
  ['TEXT', 'TOO_LONG', ['x'.repeat(1_001)]],
  ['TEXT', 'BAD_CHARACTERS', ['nul \0', '\ud800']],
  ['NUMBER', 'WRONG_TYPE', ['1', Number.NaN, Number.POSITIVE_INFINITY, true]],
  ['DECIMAL', 'BAD_FORMAT', [1, '', '1.', '.5', '1e3', '1'.repeat(19), '1.0123456789', ' 1']],
  [
    'MONEY',
    'BAD_FORMAT',
    ['1 EUR', { amount: '1' }, { amount: 1, currencyCode: 'EUR' }, { amount: '1', currencyCode: 'EUR', x: 1 }, []],
  ],
  [
    'MONEY',
    'UNKNOWN_VALUE',
    [
      { amount: '1', currencyCode: 'eur' },
      { amount: '1', currencyCode: 'ZZQ' },
    ],
  ],
  ['DATE', 'BAD_FORMAT', ['2026-02-30', '2026-1-1', '0000-01-01', 20_260_131, '2026-01-31T00:00:00Z']],
  [
    'TIME',
    'BAD_FORMAT',
    ['2026-02-30T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T00:00:00', '2026-01-01', '0001-01-01T00:00:00+01:00'],
  ],
  ['BOOLEAN', 'WRONG_TYPE', ['true', 1]],
  ['SELECT', 'UNKNOWN_VALUE', ['silver', '', 1]],
  ['MULTI_SELECT', 'WRONG_TYPE', ['gold', {}]],
  ['MULTI_SELECT', 'UNKNOWN_VALUE', [['gold', 'silver'], [['gold']]]],
  ['MULTI_SELECT', 'TOO_MANY_ITEMS', [Array.from({ length: 51 }, () => 'gold')]],
  [
    'URL',
    'BAD_FORMAT',
    ['x.example', 'ftp://x.example', '/a', 'https://', 'https://x y', `https://x.example/${'x'.repeat(2_000)}`],
  ],
  ['REFERENCE', 'BAD_FORMAT', ['1', 7, '019AB2F4-6C1E-7C3A-9D52-0C7E8B1F4A11']],
])('%s refuses with %s what is no such value', (type, expected, wrong) => {
  expect(wrong.map((given) => reason(type, given))).toEqual(wrong.map(() => expected));
});

test('an empty list of options counts as absent', () => {
  expect(read('MULTI_SELECT', [])).toBeUndefined();
});

test('a text longer than any option is refused unread', () => {
  const foldable = '\ufdfa'.repeat(1_000_000);

  expect(customFieldKinds.SELECT.read(foldable, options)).toMatchObject({ reason: 'UNKNOWN_VALUE' });
});
