import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import { Quote, QuoteState } from '@rapport/contracts/rapport/sales/v1/quote';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { expect, test } from 'vitest';
import { PricedTenant } from './priced-tenant.js';
import { lines, QuotesTenant } from './quotes-tenant.js';
import { sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
const newTenant = () => new QuotesTenant(service);
const wrongState = { code: 'FAILED_PRECONDITION', reason: 'QUOTE_STATE' };

test('a sent quote expires at the end of its last day in the time zone of the workspace, and its link says so', async () => {
  const tenant = newTenant();
  const settings = { ...Settings.decode(new Uint8Array()), timeZone: 'America/New_York' };
  await service.call('updateSettings', { settings, updateMask: ['timeZone'] }, tenant.caller);
  const { quote, token } = await tenant.sentQuote(await tenant.newDeal(), { validUntil: '2099-01-01' });
  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query<{ due_time: Date }>(
    `select due_time from timer where record_id = $1 and state = 'PENDING'`,
    [quote.id],
  );
  expect(rows.map(({ due_time: due }) => due.toISOString())).toEqual(['2099-01-01T10:00:00.000Z']);
  await superuser.query(`update quote set valid_until = '2020-01-01' where id = $1`, [quote.id]);
  await superuser.query(
    `with due as (update timer set due_time = '2020-01-01T10:00:00Z' where record_id = $1 and state = 'PENDING' returning id)
     update timer_job set next_time = now() from due where timer_id = due.id`,
    [quote.id],
  );
  await superuser.end();

  await expect.poll(async () => (await tenant.quote(quote.id)).state, { timeout: 60_000 }).toBe(QuoteState.EXPIRED);

  expect((await tenant.quote(quote.id)).answerTime).toBe('2020-01-02T05:00:00.000Z');
  expect((await tenant.show(token)).text).toContain('can no longer be accepted');
  const page = await tenant.answer(token, { answer: 'accept', name: 'Ada' });
  expect([page.headers.get(':status'), page.text.includes('<form')]).toEqual(['409', false]);
  await expect(
    service.call('acceptQuote', { id: quote.id, answer: { name: 'Ada' } }, tenant.caller),
  ).rejects.toMatchObject(wrongState);
  expect((await service.call('reviseQuote', { id: quote.id }, tenant.caller)).state).toBe(QuoteState.DRAFT);
});

test('a quote of a batch with an unknown product is refused alone, and its violation names the line', async () => {
  const tenant = newTenant();
  const deal = await tenant.newDeal();
  const quote = { ...Quote.decode(new Uint8Array()), title: '10 seats', currency: 'EUR', dealId: deal.id };
  const unknown = [lines[0]!, { ...lines[0]!, productId: crypto.randomUUID() }];
  const items = [{ quote: { ...quote, lineItems: unknown } }, { quote: { ...quote, lineItems: lines } }];

  const { results } = await service.call(
    'batchCreateQuotes',
    { batch: { items, mode: BatchMode.PER_ITEM } },
    tenant.caller,
  );

  const violations = [{ field: 'quote.lineItems[1].productId', reason: 'PRODUCT_NOT_FOUND' }];
  expect(results).toMatchObject([{ problem: { violations } }, { quote: { title: '10 seats' } }]);
  const atomic = service.call('batchCreateQuotes', { batch: { items, mode: BatchMode.ATOMIC } }, tenant.caller);
  await expect(atomic).rejects.toMatchObject({
    violations: [{ field: 'batch.items[0].quote.lineItems[1].productId', reason: 'PRODUCT_NOT_FOUND' }],
  });
});

test('a quote has lines of live products, and keeps those of products that are deleted', async () => {
  const tenant = newTenant();
  const priced = new PricedTenant(service, tenant.caller);
  const { id: productId } = await priced.createProduct();
  const deal = await tenant.newDeal();
  const lineItems = [{ ...lines[0]!, productId }];
  const refused = { violations: [{ field: 'quote.lineItems[0].productId', reason: 'PRODUCT_NOT_FOUND' }] };
  const unknown = [{ ...lines[0]!, productId: crypto.randomUUID() }];
  await expect(tenant.createQuote(deal, { lineItems: unknown })).rejects.toMatchObject(refused);
  const { quote } = await tenant.sentQuote(deal, { lineItems });

  await service.call('deleteProduct', { id: productId }, tenant.caller);

  expect((await tenant.quote(quote.id)).lineItems).toMatchObject([{ productId }]);
  const revised = await service.call('reviseQuote', { id: quote.id }, tenant.caller);
  expect(revised.lineItems).toMatchObject([{ productId: undefined, amount: '799.60' }]);
  await expect(tenant.createQuote(deal, { lineItems })).rejects.toMatchObject(refused);
});
