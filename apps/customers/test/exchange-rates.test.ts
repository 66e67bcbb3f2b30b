import { ExchangeRateSource } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import type { Caller } from '@rapport/platform';
import { minorUnits } from '@rapport/money';
import { beforeEach, describe, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { newCaller, sharedCustomers } from './running-customers.js';
import { lines, QuotesTenant } from './quotes-tenant.js';
import { superuserOf } from './superuser.js';

const service = await sharedCustomers();
let caller: Caller;

beforeEach(() => {
  caller = newCaller();
});

const { MANUAL, ECB, UNSPECIFIED } = ExchangeRateSource;

function set(...rates: [pair: string, date: string, rate: string, source?: ExchangeRateSource][]) {
  const given = rates.map(([pair, date, rate, source = UNSPECIFIED]) => {
    const [baseCurrency = '', quoteCurrency = ''] = pair.split('/');
    return { baseCurrency, quoteCurrency, date, rate, source };
  });
  return service.call('setExchangeRates', { batch: { rates: given } }, caller);
}

function convert(amount: string, currencyCode: string, to?: string, date = '2026-11-27') {
  return service.call('convertMoney', { conversion: { money: { amount, currencyCode }, to, date } }, caller);
}

async function importFile(text: string, more: { since?: string; currencies?: string[] } = {}) {
  const file = { contentType: 'text/csv', data: Buffer.from(text), extensions: [] };
  return service.call('importReferenceRates', { file, ...more }, caller);
}

describe('exchange rates', () => {
  test('are listed as they were set, and another value replaces one', async () => {
    const { exchangeRates: first } = await set(['EUR/USD', '2026-11-26', '1.0800'], ['EUR/JPY', '2026-11-26', '161']);
    const { exchangeRates: second } = await set(['EUR/USD', '2026-11-26', '1.09'], ['EUR/JPY', '2026-11-26', '161.00']);

    expect(first).toMatchObject([{ rate: '1.08', source: MANUAL, etag: '"1"' }, { rate: '161' }]);
    expect(second.map(({ id }) => id)).toEqual([expect.not.stringContaining(first[0]!.id), first[1]!.id]);
    const filter = 'quoteCurrency = USD';
    const { exchangeRates } = await service.call('listExchangeRates', { filter }, caller);
    expect(exchangeRates).toMatchObject([{ rate: '1.09' }]);
    const former = await service.call('listExchangeRates', { showDeleted: true, filter }, caller);
    expect(former.exchangeRates).toMatchObject([{ id: first[0]!.id, rate: '1.08' }]);
  });

  test('are all set, or none', async () => {
    const day = '2026-11-26';
    await expect(
      set(
        ['EUR/USD', day, '1'],
        ['EUR/XYZ', day, '1'],
        ['EUR/EUR', day, '1'],
        ['EUR/USD', day, '2'],
        ['EUR/JPY', day, '0'],
      ),
    ).rejects.toMatchObject({
      violations: [
        { field: 'batch.rates[1].quoteCurrency', reason: 'CURRENCY_UNKNOWN' },
        { field: 'batch.rates[2].quoteCurrency', reason: 'SAME_CURRENCY' },
        { field: 'batch.rates[3].date', reason: 'DUPLICATE' },
        { field: 'batch.rates[4].rate', reason: 'OUT_OF_RANGE' },
      ],
    });
    expect((await service.call('listExchangeRates', {}, caller)).exchangeRates).toEqual([]);
  });

  test('set at the same time are one for each pair and day', async () => {
    const values = Array.from({ length: 8 }, (_, index) => `1.${index + 1}`);
    await Promise.all(values.map((rate) => set(['EUR/USD', '2026-11-26', rate])));
    expect((await service.call('listExchangeRates', {}, caller)).exchangeRates).toHaveLength(1);
  });

  test('are in the change log, and those of another tenant are not found', async () => {
    const { exchangeRates } = await set(['EUR/USD', '2026-11-26', '1.08']);
    const { id, etag } = exchangeRates[0]!;
    const stale = service.call('deleteExchangeRate', { id, etag: '"9"' }, caller);
    await expect(stale).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    const deleted = await service.call('deleteExchangeRate', { id, etag }, caller);
    expect(deleted.deleteTime).toBeDefined();
    const changes = await changesOf(service, caller, 2);
    expect(changes.map(({ type, operation }) => [type, operation])).toEqual([
      ['exchange_rate', ChangeOperation.CREATE],
      ['exchange_rate', ChangeOperation.DELETE],
    ]);
    const theirs = service.call('deleteExchangeRate', { id }, newCaller());
    await expect(theirs).rejects.toMatchObject({ reason: 'EXCHANGE_RATE_NOT_FOUND' });
  });
});

describe('a conversion', () => {
  test('takes the newest rate of the pair that is not after the day, in either direction', async () => {
    await set(['EUR/USD', '2026-11-20', '1.05'], ['EUR/USD', '2026-11-26', '1.08'], ['EUR/USD', '2026-11-28', '2']);

    const there = await convert('100', 'EUR', 'USD');
    expect(there).toMatchObject({ money: { amount: '108.00', currencyCode: 'USD' }, conversion: { rate: '1.08' } });
    expect(there.conversion?.rates).toMatchObject([{ date: '2026-11-26', rate: '1.08', source: MANUAL }]);
    expect((await convert('108', 'USD', 'EUR')).money?.amount).toBe('100.00');
    expect((await convert('100', 'EUR', 'USD', '2026-11-25')).money?.amount).toBe('105.00');
    expect((await convert('1.005', 'EUR', 'EUR')).money?.amount).toBe('1.01');
  });

  test('goes through EUR without a rate of the pair, and names both', async () => {
    await set(['EUR/USD', '2026-11-26', '1.0834'], ['EUR/JPY', '2026-11-25', '161.27']);

    const { money, conversion } = await convert('1000', 'USD', 'JPY');
    expect(money).toEqual({ amount: '148855', currencyCode: 'JPY' });
    expect(conversion?.rates.map(({ quoteCurrency, date }) => [quoteCurrency, date])).toEqual([
      ['USD', '2026-11-26'],
      ['JPY', '2026-11-25'],
    ]);
    expect(conversion?.rate).toBe('148.85545504892');
  });

  test('converts into the currency of the settings by default', async () => {
    await set(['EUR/USD', '2026-11-26', '2']);
    expect((await convert('1', 'EUR')).money).toEqual({ amount: '2.00', currencyCode: 'USD' });
    const settings = { ...Settings.decode(new Uint8Array()), baseCurrency: 'EUR' };
    await service.call('updateSettings', { settings, updateMask: ['baseCurrency'] }, caller);
    expect((await convert('1', 'USD')).money).toEqual({ amount: '0.50', currencyCode: 'EUR' });
  });

  test('without a rate names the rates that are missing', async () => {
    await set(['EUR/USD', '2026-11-26', '1.08']);
    const missing = (pairs: string) => ({ reason: 'RATE_MISSING', metadata: { missing: pairs, date: '2026-11-27' } });
    await expect(convert('1', 'USD', 'CHF')).rejects.toMatchObject(missing('EUR/CHF'));
    await expect(convert('1', 'JPY', 'CHF')).rejects.toMatchObject(missing('EUR/JPY EUR/CHF'));
    await expect(convert('1', 'EUR', 'CHF')).rejects.toMatchObject(missing('EUR/CHF'));
    await expect(convert('1', 'USD', 'XYZ')).rejects.toMatchObject({ violations: [{ reason: 'CURRENCY_UNKNOWN' }] });
  });
});

describe('an import of reference rates', () => {
  const csv = 'Date,USD,JPY,CYP,\n2026-11-27,1.0834,161.27,N/A,\n2026-11-26,1.0811,160.9,0.58,\n';

  test('sets the rates of a history, and changes nothing when it is repeated', async () => {
    await set(['EUR/USD', '2026-11-27', '1.1'], ['EUR/JPY', '2026-11-27', '99', ECB]);
    expect(await importFile(csv)).toEqual({
      ...{ rates: 4, created: 2, replaced: 1, unchanged: 0, kept: 1, lastDate: '2026-11-27' },
    });
    expect(await importFile(csv)).toMatchObject({ rates: 4, created: 0, replaced: 0, unchanged: 3, kept: 1 });
    const { exchangeRates } = await service.call('listExchangeRates', { filter: 'source = ECB' }, caller);
    expect(exchangeRates).toHaveLength(3);
  });

  test('takes XML, the daily form, a first day and some currencies', async () => {
    const xml = `<?xml version="1.0"?><gesmes:Envelope><Cube><Cube time='2026-11-27'><Cube currency='USD' rate='1.0834'/>
      <Cube currency='JPY' rate='161.27'/></Cube><Cube time="2026-11-26"><Cube currency="USD" rate="1.08"/></Cube></Cube>`;
    expect(await importFile(xml, { since: '2026-11-27', currencies: ['USD'] })).toMatchObject({ rates: 1, created: 1 });
    const daily = 'Date, USD, JPY, \n27 November 2026, 1.0834, 161.27, \n';
    expect(await importFile(daily)).toMatchObject({ rates: 2, created: 1, unchanged: 1 });
  });

  test.each([
    ['<a/>', 'the file has no element Cube with a time'],
    ["<Cube time='yesterday'/>", 'element 1 has no day such as 2026-11-27: yesterday'],
    ['Day,USD\n', 'line 1 must begin with the column Date'],
    ['Date,USD\n2026-11-27,much\n', 'line 2 has a rate that is no number greater than 0: much'],
    ['Date,USD\n2026-11-27,1\n2026-11-27,1\n', 'line 3 has a second rate of its currency and day'],
  ])('refuses %j', async (text, description) => {
    const violations = [{ field: 'file', reason: 'BAD_FORMAT', description }];
    await expect(importFile(text)).rejects.toMatchObject({ violations });
  });
});

test('the database knows the same minor units as the module', async () => {
  const { currencies } = await service.call('listCurrencies', {}, caller);
  const superuser = await superuserOf(service.urls.ownerUrl);
  const codes = currencies.map(({ code }) => code);
  const { rows } = await superuser.query<{ code: string; minor_units: number | null }>(
    'select code, minor_units(code) from unnest($1::text[]) code',
    [codes],
  );
  await superuser.end();
  expect(codes.length).toBeGreaterThan(100);
  expect(rows.map((row) => [row.code, row.minor_units ?? undefined])).toEqual(
    codes.map((code) => [code, minorUnits(code)]),
  );
});

test.each([
  ['CLF', 4, '0.9999', '0.1900', '1.1899'],
  ['UYW', 4, '0.9999', '0.1900', '1.1899'],
  ['UYI', 0, '1', '0', '1'],
  ['VED', 2, '1.00', '0.19', '1.19'],
])('%s has sums with %i digits', async (currency, digits, net, tax, gross) => {
  const tenant = new QuotesTenant(service, caller);
  const deal = await tenant.newDeal([], { amount: { amount: '0.0001', currencyCode: currency } });
  await tenant.newDeal([], { amount: { amount: '12345678901.0002', currencyCode: currency } });
  const total = await service.call('aggregateDeals', { sum: ['amount'] }, caller);
  expect(total.total?.sums).toMatchObject([{ currencyCode: currency, value: '12345678901.0003' }]);

  const taxed = { ...lines[0]!, quantity: '3', unitPrice: '0.3333', discount: undefined };
  const { id } = await tenant.createQuote(deal, { currency, lineItems: [taxed] });
  expect((await tenant.quote(id)).totals).toMatchObject({ net, tax, gross });
  await set([`EUR/${currency}`, '2026-11-27', '0.5']);
  expect((await convert('1', 'EUR', currency)).money?.amount).toBe(digits === 0 ? '1' : `0.5${'0'.repeat(digits - 1)}`);
  expect((await convert('1', currency, 'EUR')).money?.amount).toBe('2.00');
  const { currencies } = await service.call('listCurrencies', {}, caller);
  expect(currencies).toContainEqual({ code: currency, minorUnits: digits });
});
