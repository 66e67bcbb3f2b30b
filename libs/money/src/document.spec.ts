import { describe, expect, test } from 'vitest';
import { documentTotals } from './document.js';
import type { DocumentInput, LineInput, LineTax } from './document-types.js';
import { MoneyError } from './money-error.js';

const vat = (rate: string, mode: LineTax['mode'] = 'EXCLUSIVE'): LineTax => ({ mode, category: 'S', rate });
const line = (unitPrice: string, rest: Partial<LineInput> = {}): LineInput => ({ quantity: '1', unitPrice, ...rest });

describe('a document', () => {
  test.each([
    ['EUR', '0.125', '0.13'],
    ['EUR', '-0.125', '-0.13'],
    ['JPY', '0.5', '1'],
    ['KWD', '1.0005', '1.001'],
    ['CLF', '1.00005', '1.0001'],
  ])('in %s rounds %s once to %s', (currency, price, gross) => {
    expect(documentTotals({ currency, lines: [line(price)] }).gross).toBe(gross);
  });

  test('rounds the tax of a category once, and allocates it to its lines', () => {
    const lines = [
      line('0.12', { tax: vat('20') }),
      line('0.12', { tax: vat('20.0') }),
      line('0.12', { tax: vat('7') }),
    ];
    const totals = documentTotals({ currency: 'EUR', lines });
    // Line by line, 0.024 would be 0.02 twice: 0.04. The sum 0.24 × 20 % is 0.048.
    expect(totals.taxes).toEqual([
      { category: 'S', rate: '7', net: '0.12', tax: '0.01' },
      { category: 'S', rate: '20', net: '0.24', tax: '0.05' },
    ]);
    expect(totals.lines.map(({ tax }) => tax)).toEqual(['0.03', '0.02', '0.01']);
    expect(totals).toMatchObject({ net: '0.36', tax: '0.06', gross: '0.42' });
  });

  test('keeps the gross amount where tax is included', () => {
    const lines = [line('99.99', { quantity: '3', tax: vat('19', 'INCLUSIVE') })];
    expect(documentTotals({ currency: 'EUR', lines })).toMatchObject({ net: '252.08', tax: '47.89', gross: '299.97' });
  });

  test.each<[string, Partial<DocumentInput>, Partial<LineInput>]>([
    ['each line, by percent', {}, { discount: { percent: '100' } }],
    ['each line, by amount', {}, { discount: { amount: '10.00' } }],
    ['the document, by percent', { discount: { percent: '100' } }, {}],
    ['the document, by amount', { discount: { amount: '30.00' } }, {}],
  ])('is 0 with 100 % off %s', (_of, document, rest) => {
    // 9.995 is rounded to 10.00, which a discount of 10.00 takes away, without leaving -0.01.
    const lines = Array.from({ length: 3 }, () => line('9.995', { tax: vat('19'), ...rest }));
    const totals = documentTotals({ currency: 'EUR', lines, ...document });
    expect(totals).toMatchObject({ net: '0.00', tax: '0.00', gross: '0.00' });
  });

  test('allocates its discount to its lines before tax', () => {
    const lines = [line('10', { tax: vat('20') }), line('20', { tax: vat('7') }), line('0.01')];
    const totals = documentTotals({ currency: 'EUR', lines, discount: { amount: '1' } });
    expect(totals.lines.map(({ documentDiscount }) => documentDiscount)).toEqual(['0.33', '0.67', '0.00']);
    expect(totals).toMatchObject({ subtotal: '30.01', discount: '1.00', net: '29.01', tax: '3.28', gross: '32.29' });
  });

  test('without lines is 0', () => {
    expect(documentTotals({ currency: 'JPY', lines: [] })).toMatchObject({ lines: [], taxes: [], gross: '0' });
  });

  test.each<[string, Partial<LineInput>, string, string]>([
    ['a quantity that is no number', { quantity: '1e3' }, 'lines[0].quantity', 'BAD_FORMAT'],
    ['a price with 7 places', { unitPrice: '1.0000001' }, 'lines[0].unitPrice', 'TOO_MANY_DIGITS'],
    ['a price beyond its digits', { unitPrice: '1234567890123' }, 'lines[0].unitPrice', 'TOO_MANY_DIGITS'],
    ['more than 100 % off', { discount: { percent: '100.01' } }, 'lines[0].discount.percent', 'OUT_OF_RANGE'],
    ['a discount beyond the line', { discount: { amount: '1.01' } }, 'lines[0].discount.amount', 'DISCOUNT_TOO_LARGE'],
    ['a discount of half a cent', { discount: { amount: '0.005' } }, 'lines[0].discount.amount', 'TOO_MANY_DIGITS'],
    ['a rate on exempt lines', { tax: { ...vat('20'), category: 'E' } }, 'lines[0].tax.rate', 'RATE_NOT_ZERO'],
    ['a rate without tax', { tax: vat('20', 'NONE') }, 'lines[0].tax.rate', 'RATE_NOT_ZERO'],
  ])('refuses %s', (_what, rest, field, reason) => {
    expect(violationsOf({ currency: 'EUR', lines: [line('1', rest)] })).toEqual([
      expect.objectContaining({ field, reason }),
    ]);
  });

  test('names what is wrong in all its lines', () => {
    const lines = [line('x'), line('1'), line('1', { quantity: '' })];
    const fields = violationsOf({ currency: 'EUR', lines }).map(({ field }) => field);
    expect(fields).toEqual(['lines[0].unitPrice', 'lines[2].quantity']);
  });

  test('refuses totals that money cannot hold, and currencies without a minor unit', () => {
    const large = line('999999999999', { quantity: '999999999' });
    expect(violationsOf({ currency: 'EUR', lines: [large] })).toMatchObject([{ reason: 'TOTAL_TOO_LARGE' }]);
    expect(violationsOf({ currency: 'XAU', lines: [] })).toMatchObject([{ reason: 'NO_MINOR_UNIT' }]);
  });
});

function violationsOf(document: DocumentInput) {
  try {
    documentTotals(document);
  } catch (error) {
    if (error instanceof MoneyError) return error.violations;
    throw error;
  }
  return expect.fail('The document was computed.');
}
