import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import { ForecastGrouping, ForecastSource, type Forecast } from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { PricedTenant } from './priced-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

const { BEST_CASE, COMMIT, OMITTED } = ForecastCategory;

const service = await sharedCustomers();
let tenant: SalesTenant;
let pipeline: Pipeline;

beforeEach(async () => {
  tenant = new SalesTenant(service);
  pipeline = await tenant.createPipeline({
    stages: [
      { ...stage('new', StageKind.OPEN), probability: 10 },
      { ...stage('proposal', StageKind.OPEN), probability: 50, forecastCategory: COMMIT },
      ...[stage('won', StageKind.WON), stage('lost', StageKind.LOST)],
    ],
  });
});

const money = (currencyCode: string, amount: string) => ({ currencyCode, amount });
const euros = (amount: string) => money('EUR', amount);
const year = String(new Date().getUTCFullYear());
const compute = (request: object = {}, caller: Caller = tenant.caller): Promise<Forecast> =>
  service.call('computeForecast', { period: year, ...request }, caller);
const valuesOf = ({ groups }: Forecast) => groups.map(({ value, dealCount }) => [value, dealCount]);

describe('a forecast', () => {
  test('sums the deals of its period by currency and category', async () => {
    const [inside, outside] = [`${year}-06-30`, `${Number(year) + 1}-01-01`];
    await tenant.createDeal(pipeline, { closeDate: inside, amount: euros('100.10') });
    await tenant.createDeal(pipeline, { closeDate: inside, amount: euros('0.20'), stage: 'proposal' });
    await tenant.createDeal(pipeline, { closeDate: inside, amount: euros('1'), forecastCategory: BEST_CASE });
    await tenant.createDeal(pipeline, { closeDate: inside, amount: euros('7'), forecastCategory: OMITTED });
    await tenant.createDeal(pipeline, { closeDate: outside, amount: euros('7') });
    await tenant.createDeal(pipeline, { closeDate: outside, amount: euros('30.5'), stage: 'won' });
    await tenant.createDeal(pipeline, { closeDate: inside, amount: euros('7'), stage: 'lost' });
    await tenant.createDeal(pipeline, { closeDate: inside, amount: money('JPY', '1000') });
    await tenant.createDeal(pipeline, { closeDate: inside });

    expect(await compute()).toMatchObject({
      ...{ period: year, startDate: `${year}-01-01`, endDate: `${year}-12-31`, timeZone: 'UTC', groups: [] },
      total: {
        dealCount: 6,
        amounts: [
          {
            ...{
              currencyCode: 'EUR',
              dealCount: 4,
              pipeline: '100.10',
              bestCase: '1.00',
              commit: '0.20',
              closed: '30.50',
            },
            ...{ total: '131.80', weighted: '40.71', quota: undefined, attainment: undefined },
          },
          { currencyCode: 'JPY', dealCount: 1, pipeline: '1000', total: '1000', weighted: '100' },
        ],
      },
    });
  });

  test('has a group for each owner, team, category, stage or month', async () => {
    const [ada, north] = [v7(), v7()];
    const month = (number: string) => `${year}-${number}`;
    await tenant.createDeal(pipeline, { closeDate: `${month('02')}-28`, ownerId: ada });
    await tenant.createDeal(pipeline, { closeDate: `${month('02')}-01`, ownerId: ada, ownerTeamId: north });
    await tenant.createDeal(pipeline, { closeDate: `${month('03')}-01`, stage: 'proposal' });
    const by = async (groupBy: ForecastGrouping) => valuesOf(await compute({ groupBy }));

    expect(await by(ForecastGrouping.OWNER)).toEqual([
      [ada, 2],
      [undefined, 1],
    ]);
    expect(await by(ForecastGrouping.TEAM)).toEqual([
      [north, 1],
      [undefined, 2],
    ]);
    expect(await by(ForecastGrouping.CATEGORY)).toEqual([
      ['COMMIT', 1],
      ['PIPELINE', 2],
    ]);
    expect((await compute({ groupBy: ForecastGrouping.STAGE })).groups).toMatchObject([
      { value: 'new', pipelineId: pipeline.id, dealCount: 2 },
      { value: 'proposal', pipelineId: pipeline.id, dealCount: 1 },
    ]);
    expect(await by(ForecastGrouping.MONTH)).toEqual([
      [month('02'), 2],
      [month('03'), 1],
    ]);
  });

  test('compares with the quotas of its owner, team, category and month', async () => {
    const [ada, north] = [v7(), v7()];
    const won = { stage: 'won', amount: euros('250'), ownerId: ada, ownerTeamId: north };
    await tenant.createDeal(pipeline, won);
    await tenant.createDeal(pipeline, { closeDate: `${year}-05-05`, stage: 'proposal', amount: euros('50') });
    const quota = (amount: string, given: object) =>
      tenant.createQuota({ period: year, amount: euros(amount), ...given });
    await quota('1000', {});
    await quota('300', { ownerId: ada });
    await quota('500', { ownerTeamId: north });
    await quota('100', { category: COMMIT });
    await quota('80', { period: `${year}-05` });
    const attained = async (groupBy: ForecastGrouping, value: string) => {
      const { groups } = await compute({ groupBy });
      const [amounts] = groups.find((group) => group.value === value)?.amounts ?? [];
      return [amounts?.quota, amounts?.attainment];
    };

    expect((await compute()).total?.amounts).toMatchObject([{ quota: '1000.00', attainment: '0.2500' }]);
    expect((await compute({ ownerId: ada })).total?.amounts).toMatchObject([{ quota: '300.00', attainment: '0.8333' }]);
    expect((await compute({ pipelineId: pipeline.id })).total?.amounts).toMatchObject([{ quota: undefined }]);
    expect(await attained(ForecastGrouping.OWNER, ada)).toEqual(['300.00', '0.8333']);
    expect(await attained(ForecastGrouping.TEAM, north)).toEqual(['500.00', '0.5000']);
    expect(await attained(ForecastGrouping.CATEGORY, 'COMMIT')).toEqual(['100.00', '0.5000']);
    expect(await attained(ForecastGrouping.MONTH, `${year}-05`)).toEqual(['80.00', '0.0000']);
  });

  test('contains the deals and quotas that the caller can see', async () => {
    const own: Caller = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' };
    const ownerId = own.principalId.slice('user:'.length);
    await tenant.createDeal(pipeline, { closeDate: `${year}-05-05`, amount: euros('1'), ownerId });
    await tenant.createDeal(pipeline, { closeDate: `${year}-05-05`, amount: euros('10') });
    await tenant.createQuota({ period: year, amount: euros('100'), ownerId });
    await tenant.createQuota({ period: year, amount: euros('1000') });

    expect((await compute({}, own)).total).toMatchObject({
      dealCount: 1,
      amounts: [{ total: '1.00', quota: undefined }],
    });
    expect((await compute({ ownerId }, own)).total?.amounts).toMatchObject([{ quota: '100.00' }]);
    expect((await compute({}, { ...own, tenantId: v7() })).total).toMatchObject({ dealCount: 0, amounts: [] });
  });
});

/** The base currency is USD unless the settings say otherwise. */
describe('a forecast in the base currency', () => {
  const priced = () => new PricedTenant(service, tenant.caller);
  const today = new Date().toISOString().slice(0, 10);

  test('follows the rates with each open deal, and with no closed one, as of an earlier time too', async () => {
    const [first, francs] = [await priced().setRate('EUR/USD', '1.1'), await priced().setRate('EUR/CHF', '0.5')];
    const closeDate = `${year}-05-05`;
    await tenant.createDeal(pipeline, { closeDate, amount: euros('100.05'), stage: 'won' });
    await tenant.createDeal(pipeline, { closeDate, amount: money('USD', '7'), stage: 'won' });
    await tenant.createDeal(pipeline, { closeDate, amount: euros('0.05') });
    await tenant.createDeal(pipeline, { closeDate, amount: money('CHF', '10'), stage: 'proposal' });
    const before = await compute({ groupBy: ForecastGrouping.CATEGORY });
    const won = { closed: '117.06', pipeline: '0.06', commit: '22.00', total: '139.12', weighted: '128.07' };

    expect(before.total).toMatchObject({
      ...{ dealCount: 4, unconvertedDealCount: 0, converted: { currencyCode: 'USD', dealCount: 4, ...won } },
    });
    expect(before.groups.map(({ converted }) => converted?.total)).toEqual(['117.06', '22.00', '0.06']);
    expect(before.conversion).toMatchObject({ currencyCode: 'USD', date: today, ratesOmitted: false });
    expect(before.conversion?.rates.map(({ id }) => id).toSorted()).toEqual([first.id, francs.id].toSorted());

    const next = await priced().setRate('EUR/USD', '2', today);
    await priced().setRate('EUR/USD', '9', '2026-01-01');
    const after = await compute({ groupBy: ForecastGrouping.CATEGORY });

    const moved = { closed: '117.06', pipeline: '0.10', commit: '40.00' };
    expect(after.total?.converted).toMatchObject(moved);
    expect(after.conversion?.rates.map(({ id }) => id)).toEqual([next.id, ...[first.id, francs.id].toSorted()]);
    expect(after.total?.amounts).toEqual(before.total?.amounts);
    const asOf = before.computeTime;
    expect(await compute({ groupBy: ForecastGrouping.CATEGORY, asOf })).toEqual({
      ...{ ...before, source: ForecastSource.LOG },
    });
  });

  test('takes deals in the base currency as they are, whatever rates there are to EUR and back', async () => {
    await priced().setRate('EUR/USD', '2');
    await priced().setRate('USD/EUR', '3');
    for (const currencyCode of ['USD', 'EUR'])
      await tenant.createDeal(pipeline, { closeDate: `${year}-05-05`, amount: money(currencyCode, '10') });

    expect((await compute({ currency: 'USD' })).total?.converted?.total).toBe('10.00');
  });

  test('counts and names the deals without a rate apart', async () => {
    const closeDate = `${year}-05-05`;
    await tenant.createDeal(pipeline, { closeDate, amount: money('USD', '3') });
    const { id } = await tenant.createDeal(pipeline, { closeDate, amount: euros('5') });
    await tenant.createDeal(pipeline, { closeDate });

    const forecast = await compute({ groupBy: ForecastGrouping.OWNER });

    const found = { dealCount: 3, unconvertedDealCount: 1, converted: { dealCount: 1, total: '3.00' } };
    expect(forecast.total).toMatchObject({ ...found, amounts: [{ total: '5.00' }, { total: '3.00' }] });
    expect(forecast.groups).toMatchObject([found]);
    expect(forecast.conversion).toMatchObject({ rates: [], unconvertedDealIds: [id], unconvertedDealCount: 1 });
  });

  test('compares with the quota in the base currency alone', async () => {
    await priced().setRate('EUR/USD', '2');
    await tenant.createDeal(pipeline, { stage: 'won', amount: euros('25') });
    await tenant.createQuota({ period: year, amount: euros('1000') });
    await tenant.createQuota({ period: year, amount: money('USD', '100') });

    expect((await compute()).total?.converted).toMatchObject({
      closed: '50.00',
      quota: '100.00',
      attainment: '0.5000',
    });
  });

  test('keeps the value of a won deal when its customer is erased', async () => {
    const rate = await priced().setRate('EUR/USD', '2');
    const { id: customerId } = await service.create(tenant.caller, person());
    const deal = await tenant.createDeal(pipeline, { stage: 'won', amount: euros('25'), customerId });
    const before = await compute();

    await tenant.updateDeal(deal.id, { amount: euros('26') });
    await service.call('eraseCustomer', { id: customerId, erasure: { reason: 'asked for' } }, tenant.caller);

    expect(before).toMatchObject({
      total: { converted: { closed: '50.00' } },
      conversion: { rates: [{ id: rate.id }] },
    });
    expect(await compute({ asOf: before.computeTime })).toEqual({ ...before, source: ForecastSource.LOG });
  });
});

describe('a forecast of an earlier time', () => {
  test('is the one that was answered then, whatever happened to deals, quotas, owners and settings since', async () => {
    const own: Caller = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' };
    const ownerId = own.principalId.slice('user:'.length);
    const deal = await tenant.createDeal(pipeline, { closeDate: `${year}-05-05`, amount: euros('1'), ownerId });
    const deleted = await tenant.createDeal(pipeline, { closeDate: `${year}-05-06`, amount: euros('20') });
    const quota = await tenant.createQuota({ period: year, amount: euros('100') });
    const [before, ownBefore] = [await compute(), await compute({}, own)];

    await tenant.updateDeal(deal.id, { amount: euros('2'), stage: 'lost', ownerId: v7() });
    await tenant.updateDeal(deal.id, { amount: euros('3'), closeDate: undefined });
    await service.call('deleteDeal', { id: deleted.id }, tenant.caller);
    await service.call('deleteQuota', { id: quota.id }, tenant.caller);
    await tenant.createDeal(pipeline, { closeDate: `${year}-05-05`, amount: euros('4') });
    const settings = { ...Settings.decode(new Uint8Array()), timeZone: 'Pacific/Auckland', fiscalYearStartMonth: 7 };
    const updateMask = ['timeZone', 'fiscalYearStartMonth'];
    await service.call('updateSettings', { settings, updateMask }, tenant.caller);

    expect(await compute()).not.toMatchObject({ total: before.total });
    expect(await compute({ asOf: before.computeTime })).toEqual({ ...before, source: ForecastSource.LOG });
    const { total } = await compute({ asOf: ownBefore.computeTime }, own);
    expect(total).toEqual(ownBefore.total);
    expect((await compute({}, own)).total?.dealCount).toBe(0);
  });

  test('is refused for the future, and for a time before the log', async () => {
    await expect(compute({ asOf: new Date(Date.now() + 60_000).toISOString() })).rejects.toMatchObject({
      violations: [{ field: 'asOf', reason: 'IN_FUTURE' }],
    });
    await expect(compute({ asOf: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({
      ...{ code: 'FAILED_PRECONDITION', reason: 'HISTORY_EXPIRED' },
    });
  });
});
