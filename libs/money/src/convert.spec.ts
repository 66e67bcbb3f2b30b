import { expect, test } from 'vitest';
import { convertAmount, crossRate } from './convert.js';
import { compareDecimals, formatDecimal, parseDecimal, sumText } from './decimal.js';
import { minorUnits } from './currencies.js';
import { shareOf, splitAmount } from './splits.js';

const usd = { baseCurrency: 'EUR', quoteCurrency: 'USD', rate: '1.0834' };
const jpy = { baseCurrency: 'EUR', quoteCurrency: 'JPY', rate: '161.27' };

test('converts in both directions and across a third currency, and rounds once', () => {
  expect(convertAmount({ currency: 'EUR', amount: '100' }, 'USD', [usd])).toBe('108.34');
  expect(convertAmount({ currency: 'USD', amount: '100' }, 'EUR', [usd])).toBe('92.30');
  expect(convertAmount({ currency: 'USD', amount: '-1000' }, 'JPY', [usd, jpy])).toBe('-148855');
  expect(convertAmount({ currency: 'EUR', amount: '0.005' }, 'EUR', [])).toBe('0.01');
  expect(crossRate('USD', 'JPY', [usd, jpy])).toBe('148.85545504892');
});

test('does not convert by rates that lead elsewhere, or are not more than 0', () => {
  const amount = { currency: 'USD', amount: '1' };
  expect(() => convertAmount(amount, 'JPY', [usd])).toThrow('lead to EUR');
  expect(() => convertAmount(amount, 'EUR', [jpy])).toThrow('does not convert USD');
  expect(() => convertAmount(amount, 'EUR', [{ ...usd, rate: '0' }])).toThrow('more than 0');
  expect(() => convertAmount(amount, 'XAU', [])).toThrow('minor unit');
});

test('splits to the last minor unit, and only shares whose sum is 100', () => {
  expect(splitAmount({ currency: 'EUR', amount: '100' }, ['33.3333', '33.3333', '33.3334'])).toEqual([
    '33.33',
    '33.33',
    '33.34',
  ]);
  expect(splitAmount({ currency: 'JPY', amount: '1' }, ['50', '50'])).toEqual(['1', '0']);
  expect(splitAmount({ currency: 'JPY', amount: '0.5' }, ['50', '50'])).toEqual(['0.3', '0.2']);
  expect(shareOf({ currency: 'EUR', amount: '0.01' }, '50')).toBe('0.01');
  expect(() => shareOf({ currency: 'EUR', amount: '1' }, '100.1')).toThrow('at most 100');
  expect(() => splitAmount({ currency: 'EUR', amount: '1' }, ['50', '49.9999'])).toThrow('sum up to 100');
  expect(() => splitAmount({ currency: 'EUR', amount: '1' }, ['100', '0'])).toThrow('more than 0');
});

test('knows the minor units of ISO 4217', () => {
  expect(['EUR', 'JPY', 'KWD', 'CLF', 'IQD', 'HUF', 'XAU'].map(minorUnits)).toEqual([2, 0, 3, 4, 3, 2, undefined]);
});

test('reads decimal numbers as they are, and no others', () => {
  expect(['+007.50', '-0', '.5', '5.', '1e3', '', ' 1', '0x1', '9'.repeat(100)].map(read)).toEqual([
    '7.5',
    '0',
    ...Array.from({ length: 7 }, () => undefined),
  ]);
});

test.each([
  ['1.25', 'CLF', '1.2500'],
  ['-7', 'KWD', '-7.000'],
  ['0.0050', 'EUR', '0.005'],
  ['100.00', 'JPY', '100'],
  ['0.50', 'XAU', '0.5'],
  ['-0.500', undefined, '-0.5'],
  ['1'.repeat(400), 'EUR', `${'1'.repeat(400)}.00`],
])('writes the sum %s in %s as %s', (sum, currency, text) => {
  expect(sumText(sum, currency)).toBe(text);
});

test('compares decimal numbers by value', () => {
  const texts = ['10', '9.99', '-1.5', '-1.50', '0', '-2'];
  expect(texts.toSorted(compareDecimals)).toEqual(['-2', '-1.5', '-1.50', '0', '9.99', '10']);
});

function read(text: string): string | undefined {
  try {
    return formatDecimal(parseDecimal(text));
  } catch {
    return undefined;
  }
}
