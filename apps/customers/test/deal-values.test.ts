import { AmountMode, DealStatus, SplitKind, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { LineItem, TaxCategory, TaxMode } from '@rapport/contracts/rapport/sales/v1/line_item';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { ExchangeRateSource } from '@rapport/contracts/rapport/sales/v1/exchange_rate';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { PricedTenant } from './priced-tenant.js';
import { sharedCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let pipeline: Pipeline;

const today = new Date().toISOString().slice(0, 10);
const euros = (amount: string) => ({ amount, currencyCode: 'EUR' });
const dollars = (amount: string) => ({ amount, currencyCode: 'USD' });

beforeEach(async () => {
  tenant = new SalesTenant(service);
  const kinds = { open: StageKind.OPEN, won: StageKind.WON, lost: StageKind.LOST };
  pipeline = await tenant.createPipeline({ stages: Object.entries(kinds).map(([key, kind]) => stage(key, kind)) });
});

function setRate(rate: string, quoteCurrency = 'USD', date = '2026-01-01') {
  return new PricedTenant(service, tenant.caller).setRate(`EUR/${quoteCurrency}`, rate, date);
}

const valueOf = ({ id }: Deal) => service.call('getDealValue', { id }, tenant.caller);
const read = ({ id }: Deal) => service.call('getDeal', { id }, tenant.caller);
const create = (given: Partial<Deal>) => tenant.createDeal(pipeline, { stage: 'open', ...given });

/** The base currency is USD unless the settings say otherwise. */
describe('the value of a deal', () => {
  test('moves with the rates while it is open, and stays from its closing date on', async () => {
    const first = await setRate('1.10');
    const [open, closing] = [await create({ amount: euros('100') }), await create({ amount: euros('200.50') })];
    expect(await valueOf(open)).toMatchObject({ baseAmount: dollars('110.00'), kept: false, date: today });

    const { id } = await tenant.updateDeal(closing.id, { stage: 'won' });
    const closed = await service.call('getDeal', { id }, tenant.caller);
    expect(closed).toMatchObject({ baseAmount: dollars('220.55'), baseRates: [{ id: first.id, rate: '1.1' }] });

    const second = await setRate('1.20');
    await service.call('deleteExchangeRate', { id: second.id }, tenant.caller);
    await setRate('1.25', 'USD', '2026-01-02');

    expect(await valueOf(open)).toMatchObject({ baseAmount: dollars('125.00'), conversion: { rate: '1.25' } });
    expect(await read(closed)).toEqual(closed);
    expect(await valueOf(closed)).toMatchObject({
      ...{ baseAmount: dollars('220.55'), kept: true, date: today },
      conversion: { rate: '1.1', rates: [{ id: first.id, source: ExchangeRateSource.MANUAL }] },
    });
  });

  test('is kept by the same rates when the amount of a closed deal is corrected', async () => {
    const rate = await setRate('1.10');
    const deal = await create({ stage: 'won', amount: euros('100') });
    await setRate('2');
    await tenant.updateDeal(deal.id, { amount: euros('50') });
    expect(await read(deal)).toMatchObject({ baseAmount: dollars('55.00'), baseRates: [{ id: rate.id }] });
    await tenant.updateDeal(deal.id, { title: 'Another title' });
    expect(await read(deal)).toMatchObject({ baseAmount: dollars('55.00') });
  });

  test('is computed anew when a deal is reopened, and closed again', async () => {
    await setRate('1.10');
    const deal = await create({ stage: 'lost', amount: euros('100') });
    await tenant.updateDeal(deal.id, { stage: 'open' });
    expect(await read(deal)).toMatchObject({ baseAmount: undefined, baseRates: [] });
    await setRate('2');
    await tenant.updateDeal(deal.id, { stage: 'won' });
    expect(await read(deal)).toMatchObject({ baseAmount: dollars('200.00') });
  });

  test('of a deal in the base currency needs no rate', async () => {
    const deal = await create({ stage: 'won', amount: dollars('12.5') });
    expect(await read(deal)).toMatchObject({ baseAmount: dollars('12.50'), baseRates: [] });
    expect(await valueOf(deal)).toMatchObject({ conversion: { rate: '1', rates: [] } });
  });

  test('is absent without a rate or an amount, and comes with the rate', async () => {
    const [deal, empty] = [await create({ stage: 'won', amount: euros('100') }), await create({})];
    expect(await valueOf(deal)).toMatchObject({ amount: euros('100'), baseAmount: undefined, conversion: undefined });
    expect(await valueOf(empty)).toMatchObject({ amount: undefined, baseAmount: undefined });
    await setRate('1.1');
    expect(await valueOf(deal)).toMatchObject({ baseAmount: dollars('110.00'), kept: false });
    await expect(valueOf({ ...deal, id: v7() })).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  });

  test('is in the change log of a deal that closes', async () => {
    await setRate('1.10');
    await create({ stage: 'won', amount: euros('100') });
    const changes = await changesOf(service, tenant.caller, 1, { types: ['deal'] });
    expect(changes.at(-1)?.after).toMatchObject({ baseAmount: dollars('110.00') });
  });

  test('is summed by status, without those that lack a rate', async () => {
    await setRate('1.10');
    for (const amount of ['0.05', '0.05', '100']) await create({ amount: euros(amount) });
    await create({ amount: { currencyCode: 'CHF', amount: '5' } });
    await create({ stage: 'won', amount: dollars('7') });
    await create({});
    expect(await service.call('sumDealValues', {}, tenant.caller)).toEqual({
      currencyCode: 'USD',
      sums: [
        // 0.055 is rounded to 0.06 twice.
        { status: DealStatus.OPEN, count: 3, sum: '110.12', missingCount: 1, missingCurrencies: ['CHF'] },
        { status: DealStatus.WON, count: 1, sum: '7.00', missingCount: 0, missingCurrencies: [] },
      ],
    });
    expect((await service.call('sumDealValues', { ownerId: v7() }, tenant.caller)).sums).toEqual([]);
  });

  test('are 0 in the digits of the base currency where no deal has a value', async () => {
    await create({ amount: { currencyCode: 'CHF', amount: '5' } });
    expect((await service.call('sumDealValues', {}, tenant.caller)).sums).toMatchObject([{ count: 0, sum: '0.00' }]);
  });
});

function line(unitPrice: string, more: Partial<LineItem> = {}): LineItem {
  const blank = LineItem.decode(new Uint8Array());
  const tax = { mode: TaxMode.EXCLUSIVE, category: TaxCategory.STANDARD, rate: '19' };
  return { ...blank, description: 'A seat', quantity: '1', unitPrice, tax, ...more };
}

describe('the lines of a deal', () => {
  test('have their figures, and set its amount', async () => {
    const lineItems = [
      line('10', { quantity: '3' }),
      line('9.995', { discount: { percent: '50', amount: undefined } }),
    ];
    const deal = await create({ lineItems, lineCurrency: 'EUR', amountMode: AmountMode.LINES });

    expect(deal).toMatchObject({
      amount: euros('35.00'),
      lineTotals: {
        subtotal: '35.00',
        net: '35.00',
        tax: '6.65',
        gross: '41.65',
        taxes: [{ rate: '19', tax: '6.65' }],
      },
      lineItems: [
        { amount: '30.00', net: '30.00', taxAmount: '5.70', gross: '35.70' },
        { amount: '5.00', net: '5.00', taxAmount: '0.95', gross: '5.95' },
      ],
    });
    expect(await read(deal)).toEqual(deal);
  });

  test('are replaced as a whole in one version, and leave an amount that is entered', async () => {
    const deal = await create({ amount: euros('7'), lineItems: [line('1'), line('2')], lineCurrency: 'EUR' });
    const replaced = await tenant.updateDeal(deal.id, { lineItems: [line('3')] });
    expect(replaced).toMatchObject({ etag: '"2"', amount: euros('7'), lineTotals: { net: '3.00' } });
    const ofLines = await tenant.updateDeal(deal.id, { amountMode: AmountMode.LINES });
    expect(ofLines).toMatchObject({ amount: euros('3.00') });
    const cleared = await tenant.updateDeal(deal.id, { lineItems: [] });
    expect(cleared).toMatchObject({ amount: undefined, lineTotals: undefined });
  });

  test('are refused where they are wrong, as is an amount beside them', async () => {
    const refusal = (given: Partial<Deal>) =>
      create({ lineCurrency: 'EUR', ...given }).then(
        () => [],
        ({ violations }: { violations: { field: string; reason: string }[] }) =>
          violations.map(({ field, reason }) => `${field} ${reason}`),
      );
    const both = { percent: '1', amount: '1' };
    const productId = v7();
    expect(await refusal({ lineItems: [line('1'), line('1', { discount: both })] })).toEqual([
      'deal.lineItems[1].discount PERCENT_OR_AMOUNT',
    ]);
    expect(await refusal({ lineItems: [line('1', { discount: { percent: undefined, amount: '2' } })] })).toEqual([
      'deal.lineItems[0].discount.amount DISCOUNT_TOO_LARGE',
    ]);
    expect(await refusal({ lineItems: [line('1')], lineCurrency: undefined })).toEqual(['deal.lineCurrency REQUIRED']);
    expect(await refusal({ lineItems: [line('1')], lineCurrency: 'XAU' })).toEqual([
      'deal.lineCurrency CURRENCY_UNKNOWN',
    ]);
    expect(await refusal({ lineItems: [line('1', { productId })] })).toEqual([
      'deal.lineItems[0].productId PRODUCT_NOT_FOUND',
    ]);
    expect(await refusal({ lineItems: [line('1')], amountMode: AmountMode.LINES, amount: euros('2') })).toEqual([
      'deal.amount NOT_ALLOWED',
    ]);
  });

  test('give the amount that a guard requires', async () => {
    const guarded = await tenant.createPipeline();
    const lineItems = [line('1')];
    const given = { stage: 'proposal', lineItems, lineCurrency: 'EUR', amountMode: AmountMode.LINES };
    await expect(tenant.createDeal(guarded, given)).resolves.toMatchObject({ amount: euros('1.00') });
  });
});

describe('the splits of a deal', () => {
  const split = (share: string, kind = SplitKind.UNSPECIFIED, ownerId = v7()) => ({
    ownerId,
    share,
    kind,
    amount: undefined,
  });

  test('have amounts that add up to that of the deal', async () => {
    const splits = [split('33.3333'), split('33.3333'), split('33.3334'), split('50', SplitKind.OVERLAY)];
    const deal = await create({ amount: euros('100'), splits });
    expect(deal.splits.map(({ amount }) => amount)).toEqual(['33.33', '33.33', '33.34', '50.00']);
    const changed = await tenant.updateDeal(deal.id, { amount: euros('0.01') });
    expect(changed.splits.map(({ amount }) => amount)).toEqual(['0.00', '0.00', '0.01', '0.01']);
  });

  test('add up to 100, and name an owner once', async () => {
    const refused = (reason: string) => expect.objectContaining({ reason }) as unknown;
    await expect(create({ splits: [split('60'), split('39.9999')] })).rejects.toMatchObject({
      violations: [{ field: 'deal.splits', reason: 'SUM_NOT_100' }],
    });
    const user = v7();
    await expect(create({ splits: [split('60', 1, user), split('40', 1, user)] })).rejects.toMatchObject({
      violations: [refused('DUPLICATE')],
    });
    await expect(create({ splits: [split('0', SplitKind.OVERLAY)] })).rejects.toMatchObject({
      violations: [{ field: 'deal.splits[0].share', reason: 'OUT_OF_RANGE' }],
    });
    await expect(create({ splits: [split('100', SplitKind.OVERLAY)] })).resolves.toMatchObject({
      splits: [{ share: '100' }],
    });
  });
});
