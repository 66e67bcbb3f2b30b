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
