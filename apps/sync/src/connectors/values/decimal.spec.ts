import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactNumber, plainDecimal, withFraction, withoutZeros } from './decimal.js';

const runs = { numRuns: 2_000 };

test.each([
  ['2.50', '2.50'],
  ['+007.5', '7.5'],
  ['-0.00', '0.00'],
  ['-0.10', '-0.10'],
  ['1e21', '1000000000000000000000'],
  ['1.5e-7', '0.00000015'],
  ['-1.25E+1', '-12.5'],
  ['120e-1', '12'],
  ['12345678901234567890.123456789', '12345678901234567890.123456789'],
])('%s in plain digits is %s', (text, plain) => {
  expect(plainDecimal(text)).toBe(plain);
});

test.each(['', '.', '1.', '.5', 'NaN', 'Infinity', '1e', '0x10', ' 1', '1 ', '1,5'])(
  '%j is no decimal number',
  (text) => {
    expect(plainDecimal(text)).toBeUndefined();
  },
);

test('every double has a decimal number that is exactly it', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(exactNumber(plainDecimal(String(number)) ?? '')).toBe(number + 0);
    }),
    runs,
  );
});

test('a number of a double is never another than its text', () => {
  const amounts = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(amounts, ([units, scale]) => {
      const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
      const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
      const text = `${units < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${fraction}`;
      const number = exactNumber(text);
      if (number === undefined) expect(withoutZeros(String(BigInt(digits))).length).toBeGreaterThan(15);
      else expect(withFraction(plainDecimal(String(number)) ?? '', scale)).toBe(plainDecimal(text));
    }),
    runs,
  );
});

test.each([
  ['2.5', 2, '2.50'],
  ['2.500', 2, '2.50'],
  ['2.555', 2, '2.555'],
  ['2', 0, '2'],
  ['2.0', 0, '2'],
])('%s with %i digits after the point is %s', (decimal, digits, expected) => {
  expect(withFraction(decimal, digits)).toBe(expected);
});
