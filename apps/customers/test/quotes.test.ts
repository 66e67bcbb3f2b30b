import { createHash } from 'node:crypto';
import { DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { TaxMode } from '@rapport/contracts/rapport/sales/v1/line_item';
import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { describe, expect, test } from 'vitest';
import { lines, QuotesTenant } from './quotes-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const service = await sharedCustomers();
const newTenant = () => new QuotesTenant(service);
const notFound = { code: 'NOT_FOUND', reason: 'PAGE_NOT_FOUND' };
const wrongState = { code: 'FAILED_PRECONDITION', reason: 'QUOTE_STATE' };

describe('a quote', () => {
  test('has figures of its lines and totals, which follow every change', async () => {
    const tenant = newTenant();
    const quote = await tenant.createQuote(await tenant.newDeal());
    expect(quote).toMatchObject({ state: QuoteState.DRAFT, revision: 1, number: undefined });
    expect(quote.lineItems.map(({ amount, net, taxAmount, gross }) => [amount, net, taxAmount, gross])).toEqual([
      ['799.60', '799.60', '151.92', '951.52'],
      ['-50.00', '-50.00', '0.00', '-50.00'],
    ]);
    expect(quote.totals).toMatchObject({ net: '749.60', tax: '151.92', gross: '901.52' });
    expect(quote.total).toEqual({ currencyCode: 'EUR', amount: '901.52' });

    const inYen = await tenant.updateQuote(quote.id, { currency: 'JPY' });
    expect(inYen.totals).toMatchObject({ net: '750', gross: '902' });
    const cheaper = await tenant.updateQuote(quote.id, { discount: { percent: '100', amount: undefined } });
    expect([cheaper.total?.amount, (await tenant.quote(quote.id)).totals?.gross]).toEqual(['0', '0']);
  });

  test.each<[string, Partial<Quote>, { field: string; reason: string }]>([
    ['no currency of ISO 4217', { currency: 'ABC' }, { field: 'quote.currency', reason: 'CURRENCY_UNKNOWN' }],
    ['gold', { currency: 'XAU' }, { field: 'quote.currency', reason: 'CURRENCY_UNKNOWN' }],
    [
      'a discount that is two',
      { discount: { percent: '1', amount: '1' } },
      { field: 'quote.discount', reason: 'PERCENT_OR_AMOUNT' },
    ],
    [
      'more off than a line costs',
      { lineItems: [{ ...lines[0]!, discount: { percent: undefined, amount: '9999' } }] },
      { field: 'quote.lineItems[0].discount.amount', reason: 'DISCOUNT_TOO_LARGE' },
    ],
  ])('refuses %s', async (_what, given, violation) => {
    const tenant = newTenant();
    const create = tenant.createQuote(await tenant.newDeal(), given);
    await expect(create).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', violations: [violation] });
  });

  test('begins as a draft, and a caller past the edge cannot send what only actions set', async () => {
    const tenant = newTenant();
    const deal = await tenant.newDeal();
    const forged = {
      ...{ state: QuoteState.ACCEPTED, number: 'Q-99999', revision: 7, previousId: crypto.randomUUID() },
      ...{ reason: 'x', sendTime: '2026-01-01T00:00:00.000Z' },
    };
    for (const [field, value] of Object.entries(forged)) {
      await expect(tenant.createQuote(deal, { [field]: value })).rejects.toMatchObject({
        violations: [{ field: `quote.${field}`, reason: 'OUTPUT_ONLY' }],
      });
    }
    const blank = { number: undefined, previousId: undefined, reason: undefined, sendTime: undefined };
    expect(await tenant.createQuote(deal)).toMatchObject({ ...blank, state: QuoteState.DRAFT, revision: 1 });
  });

  test('gets the customer of its deal', async () => {
    const tenant = newTenant();
    const { id: customerId } = await service.create(tenant.caller, person());
    const quote = await tenant.createQuote(await tenant.newDeal([], { customerId }));
    expect(quote.customerId).toBe(customerId);
  });

  test('is approved or rejected before it is sent, and fixed meanwhile', async () => {
    const tenant = newTenant();
    const { id } = await tenant.createQuote(await tenant.newDeal());
    const call = (name: 'submitQuote' | 'approveQuote') => service.call(name, { id }, tenant.caller);
    await expect(call('approveQuote')).rejects.toMatchObject(wrongState);
    expect((await call('submitQuote')).state).toBe(QuoteState.IN_APPROVAL);
    await expect(tenant.updateQuote(id, { title: 'Cheaper' })).rejects.toMatchObject({
      violations: [{ field: 'quote.title', reason: 'NOT_DRAFT' }],
    });
    await expect(tenant.send(id)).rejects.toMatchObject(wrongState);
    const refusal = { reason: 'Too cheap.' };
    const rejected = await service.call('rejectQuote', { id, refusal }, tenant.caller);
    expect(rejected).toMatchObject({ state: QuoteState.DRAFT, reason: 'Too cheap.' });
    await call('submitQuote');
    expect((await call('approveQuote')).state).toBe(QuoteState.APPROVED);
    await tenant.send(id);
    expect(await tenant.quote(id)).toMatchObject({ state: QuoteState.SENT, number: 'Q-00001' });
  });

  test('is neither sent without lines, nor after its last day', async () => {
    const tenant = newTenant();
    const { id } = await tenant.createQuote(await tenant.newDeal(), { lineItems: [], validUntil: '2020-01-01' });
    await expect(tenant.send(id)).rejects.toMatchObject({
      violations: [
        { field: 'quote.lineItems', reason: 'REQUIRED' },
        { field: 'quote.validUntil', reason: 'IN_PAST' },
      ],
    });
  });

  test('that was sent can be tagged, and not changed', async () => {
    const tenant = newTenant();
    const { quote } = await tenant.sentQuote(await tenant.newDeal());
    expect((await tenant.updateQuote(quote.id, { tags: ['hot'] })).tags).toEqual(['hot']);
    for (const change of [{ title: 'x' }, { lineItems: [] }, { validUntil: '2099-01-01' }, { currency: 'USD' }]) {
      const [field = ''] = Object.keys(change);
      const violation = expect.objectContaining({ field: `quote.${field}`, reason: 'NOT_DRAFT' }) as unknown;
      const refused = { violations: expect.arrayContaining([violation]) as unknown };
      await expect(tenant.updateQuote(quote.id, change), field).rejects.toMatchObject(refused);
    }
  });

  test('that was sent may be updated with what is stored, which changes nothing', async () => {
    const tenant = newTenant();
    const discount = { percent: '5', amount: undefined };
    const { quote } = await tenant.sentQuote(await tenant.newDeal(), { discount });
    const { title, dealId, currency, conditions, issuer, lineItems } = quote;

    const stored = { title, dealId, currency, conditions, issuer, lineItems, discount };
    expect(await tenant.updateQuote(quote.id, stored)).toEqual(quote);
    expect((await tenant.quote(quote.id)).etag).toBe(quote.etag);
  });

  test('has a number without gaps, however many are sent at once, and fail', async () => {
    const tenant = newTenant();
    const deal = await tenant.newDeal();
    const drafts = [];
    for (let n = 0; n < 8; n += 1) drafts.push(await tenant.createQuote(deal, n % 2 ? {} : { lineItems: [] }));
    await Promise.allSettled(drafts.map(({ id }) => tenant.send(id)));
    const numbers = await Promise.all(drafts.map(async ({ id }) => (await tenant.quote(id)).number));
    expect(numbers.filter((number) => number !== undefined).sort()).toEqual([
      'Q-00001',
      'Q-00002',
      'Q-00003',
      'Q-00004',
    ]);
  });
});

describe('a revision', () => {
  test('is a draft that replaces the earlier one when it is sent', async () => {
    const tenant = newTenant();
    const { quote, token } = await tenant.sentQuote(await tenant.newDeal());
    const revised = await service.call('reviseQuote', { id: quote.id }, tenant.caller);
    expect(revised).toMatchObject({ state: QuoteState.DRAFT, revision: 2, number: 'Q-00001-2', previousId: quote.id });
    expect(revised.totals).toEqual(quote.totals);
    await expect(service.call('reviseQuote', { id: quote.id }, tenant.caller)).rejects.toMatchObject({
      reason: 'NUMBER_TAKEN',
    });
    expect((await tenant.show(token)).text).toContain('Q-00001');

    const next = await tenant.send(revised.id);
    expect((await tenant.quote(quote.id)).state).toBe(QuoteState.SUPERSEDED);
    await expect(tenant.show(token)).rejects.toMatchObject(notFound);
    expect((await tenant.show(next)).text).toContain('Q-00001-2');
    const third = await service.call('reviseQuote', { id: revised.id }, tenant.caller);
    expect(third.number).toBe('Q-00001-3');
  });
});

describe('the page of a quote', () => {
  test('shows what is offered, in the language of its reader, and escapes it', async () => {
    const tenant = newTenant();
    const given = { title: '<script>alert(1)</script>', issuer: 'Kestrel & Co', conditions: '30 days "net"' };
    const { token } = await tenant.sentQuote(await tenant.newDeal(), { ...given, validUntil: '2099-12-31' });
    const { text, headers } = await tenant.show(token, 'zh-CN,en;q=0.1');
    expect(text).toContain('<html lang="zh-CN">');
    expect(text).toContain('报价单 Q-00001');
    expect(text).not.toContain('<script>');
    for (const part of ['&#60;script&#62;', 'Kestrel &#38; Co', '30 days &#34;net&#34;', '€901.52', '2099年12月31日'])
      expect(text).toContain(part);
    const sheet = /<style>(.*)<\/style>/s.exec(text)?.[1] ?? '';
    expect(headers.get('style-hash')).toBe(`sha256-${createHash('sha256').update(sheet).digest('base64')}`);
  });

  test('changes nothing', async () => {
    const tenant = newTenant();
    const { quote, token } = await tenant.sentQuote(await tenant.newDeal());
    for (let n = 0; n < 3; n += 1) await tenant.show(token);
    expect(await tenant.quote(quote.id)).toEqual(quote);
  });

  test('accepts once: the quote and its document, the deal and other revisions change together', async () => {
    const tenant = newTenant();
    const deal = await tenant.newDeal();
    const { quote, token } = await tenant.sentQuote(deal);
    const revision = await service.call('reviseQuote', { id: quote.id }, tenant.caller);
    const other = await tenant.sentQuote(deal);
    const page = await tenant.answer(token, { answer: 'accept', name: ' Ada Lovelace ' });
    expect(page.text).toContain('Accepted by Ada Lovelace on');
    expect(page.text).not.toContain('<form');
    expect(page.headers.get('tenant')).toBe(tenant.caller.tenantId);

    const accepted = await tenant.quote(quote.id);
    expect(accepted).toMatchObject({ state: QuoteState.ACCEPTED, acceptance: { name: 'Ada Lovelace' } });
    expect(await tenant.deal(deal.id)).toMatchObject({
      ...{ stage: 'won', status: DealStatus.WON, amount: { currencyCode: 'EUR', amount: '749.60' } },
      updatedBy: expect.stringMatching(/^link:/) as string,
    });
    expect((await tenant.quote(revision.id)).state).toBe(QuoteState.SUPERSEDED);
    expect((await tenant.quote(other.quote.id)).state).toBe(QuoteState.SENT);
    const document = await tenant.render(quote.id);
    expect(createHash('sha256').update(document).digest('hex')).toBe(accepted.acceptance?.sha256);
    expect(document).toContain('Accepted by Ada Lovelace on');
    const file = await service.call('getFile', { id: accepted.acceptance?.fileId ?? '' }, tenant.caller);
    expect(file).toMatchObject({
      record: `quotes/${quote.id}`,
      name: 'Q-00001.html',
      sha256: accepted.acceptance?.sha256,
    });
    await expect(service.call('deleteQuote', { id: quote.id }, tenant.caller)).rejects.toMatchObject(wrongState);
  });

  test('gives its lines to the deal, whose totals are those of the quote, also with a discount', async () => {
    const tenant = newTenant();
    const taxed = lines[0]!;
    const included = { ...taxed, tax: { ...taxed.tax!, mode: TaxMode.INCLUSIVE, rate: '7' }, unitPrice: '33.33' };
    for (const currency of ['EUR', 'JPY', 'KWD']) {
      const deal = await tenant.newDeal(['amount']);
      const given = { currency, lineItems: [...lines, included], discount: { percent: '12.5', amount: undefined } };
      const { quote, token } = await tenant.sentQuote(deal, given);
      await tenant.answer(token, { answer: 'accept', name: 'Ada' });
      const won = await tenant.deal(deal.id);
      const { net, taxes, tax, gross } = quote.totals!;
      expect(won.lineTotals).toMatchObject({ net, taxes, tax, gross });
      expect(won.amount?.currencyCode).toBe(currency);
      expect(Number(won.amount?.amount)).toBe(Number(net));
      expect(won.lineItems.map(({ description }) => description).slice(0, 3)).toEqual(
        quote.lineItems.map(({ description }) => description),
      );
    }
  });

  test('of every link that is not valid fails alike', async () => {
    const tenant = newTenant();
    const deal = await tenant.newDeal();
    const [used, resent, deleted] = [
      await tenant.sentQuote(deal),
      await tenant.sentQuote(deal),
      await tenant.sentQuote(deal),
    ];
    await tenant.answer(used.token, { answer: 'decline' });
    await tenant.send(resent.quote.id);
    await service.call('deleteQuote', { id: deleted.quote.id }, tenant.caller);
    for (const token of [used.token, resent.token, deleted.token, 'unknown', '%00']) {
      await expect(tenant.show(token), token).rejects.toMatchObject(notFound);
      await expect(tenant.answer(token, { answer: 'accept', name: 'x' }), token).rejects.toMatchObject(notFound);
    }
  });

  test('asks for a name, and takes what a form can hold', async () => {
    const tenant = newTenant();
    const { quote, token } = await tenant.sentQuote(await tenant.newDeal());
    for (const name of ['', '  ', '\0']) {
      const page = await tenant.answer(token, { answer: 'accept', name });
      expect([page.headers.get(':status'), page.text.includes('Enter your name')]).toEqual(['422', true]);
    }
    await expect(tenant.answer(token, { answer: 'other' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await tenant.answer(token, { answer: 'accept', name: 'é'.repeat(400) });
    expect((await tenant.quote(quote.id)).acceptance?.name).toBe('é'.repeat(150));
  });

  test('declines with a reason', async () => {
    const tenant = newTenant();
    const deal = await tenant.newDeal();
    const { quote, token } = await tenant.sentQuote(deal);
    const page = await tenant.answer(token, { answer: 'decline', reason: 'Too late' }, 'zh');
    expect(page.text).toContain('您已拒绝此报价');
    expect(await tenant.quote(quote.id)).toMatchObject({ state: QuoteState.DECLINED, reason: 'Too late' });
    expect((await tenant.deal(deal.id)).status).toBe(DealStatus.OPEN);
  });

  test('does not pass a guard of the deal, nor without a name: nothing changes, and the page says so', async () => {
    const tenant = newTenant();
    const deal = await tenant.newDeal(['closeDate']);
    const { quote, token } = await tenant.sentQuote(deal);
    const page = await tenant.answer(token, { answer: 'accept', name: 'Ada' });
    expect([page.headers.get(':status'), page.headers.has('tenant')]).toEqual(['409', false]);
    expect(page.text).toContain('Your answer was not recorded');
    expect(await tenant.quote(quote.id)).toEqual(quote);
    const { files } = await service.call('listFiles', { record: `quotes/${quote.id}` }, tenant.caller);
    expect(files).toEqual([]);
    const accept = service.call('acceptQuote', { id: quote.id, answer: { name: 'Ada' } }, tenant.caller);
    await expect(accept).rejects.toMatchObject({ violations: [{ field: 'deal.closeDate', reason: 'REQUIRED' }] });

    await tenant.updateDeal(deal.id, { closeDate: '2030-01-01' });
    const blank = service.call('acceptQuote', { id: quote.id, answer: { name: ' \t' } }, tenant.caller);
    await expect(blank).rejects.toMatchObject({ violations: [{ field: 'answer.name', reason: 'REQUIRED' }] });
    await tenant.answer(token, { answer: 'accept', name: 'Ada' });
    expect((await tenant.deal(deal.id)).status).toBe(DealStatus.WON);
  });

  test('cannot be accepted after its last day', async () => {
    const tenant = newTenant();
    const { quote, token } = await tenant.sentQuote(await tenant.newDeal(), { validUntil: '2099-01-01' });
    const superuser = await service.connectAsSuperuser();
    await superuser.query(`update quote set valid_until = '2020-01-01' where id = $1`, [quote.id]);
    await superuser.end();
    const shown = await tenant.show(token);
    expect([shown.text.includes('can no longer be accepted'), shown.text.includes('<form')]).toEqual([true, false]);
    const page = await tenant.answer(token, { answer: 'accept', name: 'Ada' });
    expect([page.headers.get(':status'), page.text.includes('<form')]).toEqual(['409', false]);
  });
});

test('a token is stored only hashed', async () => {
  const tenant = newTenant();
  const { token } = await tenant.sentQuote(await tenant.newDeal());
  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query<{ row: string }>(
    'select public_link::text as row from public_link where tenant_id = $1',
    [tenant.caller.tenantId],
  );
  await superuser.end();
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  expect(
    rows.map(({ row }) => [row.includes(token), row.includes(createHash('sha256').update(token).digest('base64url'))]),
  ).toEqual([[false, true]]);
});
