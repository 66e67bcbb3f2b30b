import { expect, test } from 'vitest';
import { lines, QuotesTenant } from './quotes-tenant.js';
import { sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
const discount = { percent: '10', amount: undefined };

test('the page of a credit shows its discount, which makes the credit less', async () => {
  const tenant = new QuotesTenant(service);
  const lineItems = [{ ...lines[1]!, quantity: '-2' }];
  const { quote, token } = await tenant.sentQuote(await tenant.newDeal(), { lineItems, discount });

  const { text } = await tenant.show(token);

  expect(quote.totals).toMatchObject({ subtotal: '-100.00', discount: '-10.00', net: '-90.00' });
  const rows = text.matchAll(/<dt[^>]*>([^<]*)<\/dt>\s*<dd[^>]*>([^<]*)<\/dd>/g);
  const shown = [...rows].map(([, term, value]) => `${term} ${value}`);
  expect(shown).toEqual(
    expect.arrayContaining(['Subtotal -€100.00', 'Discount €10.00', 'Net -€90.00', 'Total -€90.00']),
  );
});

test('a deal gets all lines of the largest quote and its discounts, and an update of the deal can repeat them', async () => {
  const tenant = new QuotesTenant(service);
  const deal = await tenant.newDeal();
  const [{ tax, ...seat }] = lines as [(typeof lines)[0]];
  const lineItems = Array.from({ length: 100 }, (_, rate) => ({ ...seat, tax: { ...tax!, rate: String(rate) } }));
  const { quote, token } = await tenant.sentQuote(deal, { lineItems, discount });
  await tenant.answer(token, { answer: 'accept', name: 'Ada' });

  const won = await tenant.deal(deal.id);
  const repeated = await tenant.updateDeal(deal.id, { lineItems: won.lineItems });

  expect(won.lineItems).toHaveLength(200);
  const { net, tax: total, gross } = quote.totals!;
  expect(repeated.lineTotals).toMatchObject({ net, tax: total, gross });
});
