import {
  AttributionGrouping,
  AttributionModel,
  ComputeAttributionsRequest,
  type ComputeAttributionsResponse,
} from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { DealWin } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { sharedMailCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { TrackingTenant } from './tracking-tenant.js';

const service = await sharedMailCustomers();
let tenant: TrackingTenant;
let sales: SalesTenant;
beforeEach(async () => {
  tenant = await TrackingTenant.create(service);
  sales = new SalesTenant(service, tenant.caller);
});

const dayMs = 86_400_000;
const eur = (amount: string) => ({ currencyCode: 'EUR', amount });

/** A deal that was won now. */
async function win(customerId: string | undefined, amount: string): Promise<string> {
  const { id } = await sales.createDeal(await sales.createPipeline(), {
    ...{ customerId, amount: eur(amount), closeDate: '2026-12-31' },
  });
  await service.call('winDeal', { id, win: DealWin.decode(new Uint8Array()) }, tenant.caller);
  return id;
}

/** Touchpoints of a customer, each so many days ago. */
async function touch(
  customerId: string,
  touches: readonly { campaignId?: string; dealId?: string; daysAgo: number }[],
) {
  const rows = touches.map(({ daysAgo, ...each }) => ({
    ...{ ...each, id: v7(), customerId, time: new Date(Date.now() - daysAgo * dayMs).toISOString() },
  }));
  await tenant.asSuperuser((query) =>
    query(
      `insert into touchpoint (tenant_id, id, customer_id, campaign_id, deal_id, kind, time, version, create_time, update_time,
         created_by, updated_by)
       select $1, id, "customerId", "campaignId", "dealId", $3, time, 1, now(), now(), 'test', 'test'
       from jsonb_to_recordset($2)
         as touch (id uuid, "customerId" uuid, "campaignId" uuid, "dealId" uuid, time timestamptz)`,
      [tenant.caller.tenantId, JSON.stringify(rows), TouchpointKind[TouchpointKind.CLICK]],
    ),
  );
}

function compute(
  given: Partial<ComputeAttributionsRequest> = {},
  caller = tenant.caller,
): Promise<ComputeAttributionsResponse> {
  const since = new Date(Date.now() - dayMs).toISOString();
  const request = { ...ComputeAttributionsRequest.decode(new Uint8Array()), since, currency: 'EUR', ...given };
  return service.call('computeAttributions', request, caller);
}

test('the shares of campaigns add up to what was won with touchpoints, by each model', async () => {
  const [spring, summer] = [await tenant.createCampaign('Spring'), await tenant.createCampaign('Summer')];
  const customerId = await tenant.createCustomer();
  const days = [28, 14, 7];
  await touch(customerId, [
    { campaignId: spring, daysAgo: days[0]! },
    ...[summer, spring].map((campaignId, index) => ({ campaignId, daysAgo: days[index + 1]! })),
  ]);
  await win(customerId, '100.00');
  await win(await tenant.createCustomer(), '50.00');

  const expected: [AttributionModel, springShare: string, summerShare: string | undefined][] = [
    [AttributionModel.FIRST, '100.00', undefined],
    [AttributionModel.LAST, '100.00', undefined],
    [AttributionModel.UNSPECIFIED, '100.00', undefined],
    [AttributionModel.LINEAR, '66.67', '33.33'],
    [AttributionModel.POSITION, '80.00', '20.00'],
    // 1/16, 1/4 and 1/2.
    [AttributionModel.DECAY, '69.23', '30.77'],
  ];
  for (const [model, ofSpring, ofSummer = '0.00'] of expected) {
    const answer = await compute({ model });
    expect(answer).toMatchObject({
      ...{ won: eur('150.00'), attributed: eur('100.00'), unattributed: eur('50.00') },
      ...{ dealCount: 2, attributedDealCount: 1, unvaluedDealCount: 0 },
      groups: [
        { campaignId: spring, amount: eur(ofSpring), touchpointCount: 2, dealCount: 1 },
        { campaignId: summer, amount: eur(ofSummer), touchpointCount: 1, dealCount: 1 },
      ],
    });
  }
  expect((await compute({ groupBy: AttributionGrouping.KIND })).groups).toMatchObject([
    { kind: TouchpointKind.CLICK, amount: eur('100.00'), touchpointCount: 3, dealCount: 1 },
  ]);
});

test('the first touchpoint counts, however many there are behind it', async () => {
  const [spring, summer] = [await tenant.createCampaign('Spring'), await tenant.createCampaign('Summer')];
  const customerId = await tenant.createCustomer();
  const later = Array.from({ length: 1_100 }, (_, index) => ({ campaignId: summer, daysAgo: 20 - index / 100 }));
  await touch(customerId, [{ campaignId: spring, daysAgo: 29 }, ...later]);
  await win(customerId, '100.00');

  expect(await compute({ model: AttributionModel.FIRST })).toMatchObject({
    groups: [
      { campaignId: spring, amount: eur('100.00'), touchpointCount: 1 },
      { campaignId: summer, amount: eur('0.00'), touchpointCount: 999 },
    ],
  });
  const { groups } = await compute({ model: AttributionModel.POSITION });
  expect(groups.map(({ amount }) => amount)).toEqual([eur('60.00'), eur('40.00')]);
});

test('touchpoints outside of the window, after the win, or about another deal do not count', async () => {
  const campaignId = await tenant.createCampaign();
  const [customerId, pipeline] = [await tenant.createCustomer(), await sales.createPipeline()];
  const other = await sales.createDeal(pipeline, { customerId });
  await touch(customerId, [
    { campaignId, daysAgo: 31 },
    { campaignId, daysAgo: -1 },
    { campaignId, dealId: other.id, daysAgo: 1 },
  ]);
  await win(customerId, '9.99');

  expect(await compute()).toMatchObject({ attributed: eur('0.00'), unattributed: eur('9.99'), groups: [] });
  expect(await compute({ windowDays: 32 })).toMatchObject({ attributed: eur('9.99'), unattributed: eur('0.00') });
});

test('deals without a rate are counted apart', async () => {
  await win(undefined, '5.00');
  const yen = { currencyCode: 'JPY', amount: '0' };
  expect(await compute({ currency: 'JPY' })).toMatchObject({ won: yen, dealCount: 1, unvaluedDealCount: 1 });
  expect(await compute()).toMatchObject({ won: eur('5.00'), dealCount: 1, unvaluedDealCount: 0 });
});

test('a range has an end after its start, and a currency exists', async () => {
  const wrong = (field: string, reason: string) => ({ violations: [{ field, reason }] });
  const until = '2020-01-01T00:00:00Z';
  await expect(compute({ until })).rejects.toMatchObject(wrong('until', 'END_BEFORE_START'));
  await expect(compute({ currency: 'EUX' })).rejects.toMatchObject(wrong('currency', 'CURRENCY_UNKNOWN'));
});

test('is refused to callers that can not read deals, whose amounts it adds up', async () => {
  await win(await tenant.createCustomer(), '50.00');
  const permissions = tenant.caller.permissions.filter((permission) => permission !== 'deals.read');

  await expect(compute({}, { ...tenant.caller, permissions })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    metadata: { permission: 'deals.read' },
  });
});
