import { LineItem, TaxCategory, TaxMode } from '@rapport/contracts/rapport/sales/v1/line_item';
import { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { printedSeed } from '@rapport/testing';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { computeLines } from '../src/domain/line-items/line-totals.js';
import { ublQuotation } from '../src/domain/quotes/ubl-quotation.js';
import { pythonAnswers } from './python-answers.js';
import { QuotesTenant } from './quotes-tenant.js';
import { sharedCustomers } from './running-customers.js';

interface Read {
  id: string;
  note: string;
  faults: string[];
  net: string;
  tax: string;
  gross: string;
}

/** What a reader that is written apart finds in documents. */
function readAll(documents: readonly string[]): Read[] {
  return pythonAnswers('ubl_reader.py', documents);
}

const places = { EUR: 2, JPY: 0, KWD: 3 } as const;
const currencies = Object.keys(places) as (keyof typeof places)[];
const { STANDARD, ZERO_RATED, EXPORT } = TaxCategory;

function randomQuote(random: SeedRandom): Quote {
  const currency = random.pick(currencies);
  const decimal = (digits: number, decimals: number) =>
    `${random.below(10 ** digits)}${decimals === 0 ? '' : `.${String(random.below(10 ** decimals)).padStart(decimals, '0')}`}`;
  const lineItems = Array.from({ length: 1 + random.below(8) }, (): LineItem => {
    const category = random.pick([STANDARD, STANDARD, ZERO_RATED, EXPORT]);
    const rate = category === STANDARD ? random.pick(['19', '7', '5.5']) : '0';
    const mode = random.pick([TaxMode.EXCLUSIVE, TaxMode.EXCLUSIVE, TaxMode.INCLUSIVE]);
    return {
      ...LineItem.decode(new Uint8Array()),
      description: 'Seat <& "one" year>',
      quantity: `${random.chance(0.1) ? '-' : ''}${decimal(2, random.pick([0, 3]))}`,
      unitPrice: `${random.chance(0.1) ? '-' : ''}${decimal(4, random.pick([2, 6]))}`,
      discount: random.chance(0.4) ? { percent: decimal(1, 2), amount: undefined } : undefined,
      tax: random.chance(0.8) ? { mode, category, rate } : undefined,
    };
  });
  const discount = random.chance(0.5) ? { percent: decimal(1, 2), amount: undefined } : undefined;
  const computed = computeLines({ currency, lineItems, discount });
  const content = {
    title: 'Seats & more',
    number: 'Q-00017',
    currency,
    discount,
    createTime: '2026-01-02T03:04:05.000Z',
  };
  return {
    ...Quote.decode(new Uint8Array()),
    ...content,
    ...{ lineItems: computed.lineItems ?? [], totals: computed.totals },
  };
}

test('a quotation of UBL adds up by EN 16931 to the totals of its quote', () => {
  const random = new SeedRandom(printedSeed('quote-ubl'));
  const quotes = Array.from({ length: 500 }, () => randomQuote(random));

  const read = readAll(quotes.map((quote) => ublQuotation(quote, 'UTC')));

  const units = (text = '') => String(BigInt(text.replace('.', '')));
  quotes.forEach(({ totals }, index) => {
    const figures = { net: units(totals?.net), tax: units(totals?.tax), gross: units(totals?.gross) };
    expect(read[index]).toEqual({ id: 'Q-00017', note: 'Seats & more', faults: [], ...figures });
  });
});

test('a quotation names seller, customer, last day and terms, and has no character that XML forbids', () => {
  const quote: Quote = {
    ...randomQuote(new SeedRandom(1)),
    ...{ title: 'A\u0001 title', customerId: 'c', validUntil: '2026-12-31', conditions: '30 days' },
    issuer: 'Kestrel Ltd\n1 Harbour Road\nBristol',
  };
  const document = ublQuotation(quote, 'UTC');

  expect(readAll([document])).toMatchObject([{ note: 'A title', faults: [] }]);
  for (const part of [
    '<cbc:EndDate>2026-12-31</cbc:EndDate>',
    '<cac:PartyName><cbc:Name>Kestrel Ltd</cbc:Name></cac:PartyName>',
    '<cac:AddressLine><cbc:Line>Bristol</cbc:Line></cac:AddressLine>',
    '<cbc:Description>30 days</cbc:Description>',
    '<cac:PartyIdentification><cbc:ID>c</cbc:ID></cac:PartyIdentification>',
  ]) {
    expect(document).toContain(part);
  }
});

test('a quote is exported as a quotation, unless it has no lines', async () => {
  const tenant = new QuotesTenant(await sharedCustomers());
  const deal = await tenant.newDeal();
  const { quote } = await tenant.sentQuote(deal, { discount: { percent: '5', amount: undefined } });

  const [read] = readAll([await tenant.exportUbl(quote.id)]);

  expect(read).toMatchObject({ id: 'Q-00001', faults: [], gross: quote.totals?.gross.replace('.', '') });
  const empty = await tenant.createQuote(deal, { lineItems: [] });
  await expect(tenant.exportUbl(empty.id)).rejects.toMatchObject({
    violations: [{ field: 'quote.lineItems', reason: 'REQUIRED' }],
  });
});

const line = (quantity: string, unitPrice: string, more: Partial<LineItem> = {}): LineItem => ({
  ...LineItem.decode(new Uint8Array()),
  ...{ description: 'Seat', quantity, unitPrice, ...more },
  tax: { mode: TaxMode.EXCLUSIVE, category: more.tax?.category ?? STANDARD, rate: more.tax?.rate ?? '19' },
});

test('the discount of a credit is a charge, in the sum of charges and in that of no allowance', async () => {
  const tenant = new QuotesTenant(await sharedCustomers());
  const tax = { mode: TaxMode.EXCLUSIVE, category: EXPORT, rate: '0' };
  const { id } = await tenant.createQuote(await tenant.newDeal(), {
    ...{ lineItems: [line('1', '1000'), line('-1', '100', { tax })], discount: { percent: '10', amount: undefined } },
  });

  const document = await tenant.exportUbl(id);

  expect(document).toContain('<cbc:AllowanceTotalAmount currencyID="EUR">100.00<');
  expect(document).toContain('<cbc:ChargeTotalAmount currencyID="EUR">10.00<');
  expect(readAll([document])).toMatchObject([{ faults: [], net: '81000', gross: '98100' }]);
});

test('a line is exported whose price before its discount is larger than any total', async () => {
  const tenant = new QuotesTenant(await sharedCustomers());
  const discount = { percent: '100', amount: undefined };
  const { id } = await tenant.createQuote(await tenant.newDeal(), {
    lineItems: [line('999999999.999999', '999999999999.999999', { discount }), line('1', '1')],
  });

  expect(readAll([await tenant.exportUbl(id)])).toMatchObject([{ faults: [], net: '100', gross: '119' }]);
});
