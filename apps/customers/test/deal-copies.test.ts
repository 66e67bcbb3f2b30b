import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { AmountMode, DealStatus, SplitKind, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { DealClone } from '@rapport/contracts/rapport/sales/v1/deal_copies_service';
import { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { defineField } from './custom-field-requests.js';
import { person, sharedCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let pipeline: Pipeline;

beforeEach(async () => {
  tenant = new SalesTenant(service);
  pipeline = await tenant.createPipeline();
});

const clone = (id: string, given: Partial<DealClone> = {}, more: object = {}) =>
  service.call(
    'cloneDeal',
    { id, clone: { ...DealClone.decode(new Uint8Array()), updateMask: undefined, ...given }, ...more },
    tenant.caller,
  );

const line = (given: Partial<LineItem>): LineItem => ({
  ...LineItem.decode(new Uint8Array()),
  ...{ description: 'Seat', quantity: '3', unitPrice: '33.35', ...given },
});

async function lostDeal(): Promise<Deal> {
  const { id: customerId } = await service.create(tenant.caller, person());
  const split = { ownerId: v7(), kind: SplitKind.REVENUE, amount: undefined };
  const created = await tenant.createDeal(pipeline, {
    ...{ title: '3 seats', customerId, ownerId: v7(), tags: ['vip'], closeDate: '2026-12-01', probability: 40 },
    ...{ amountMode: AmountMode.LINES, lineCurrency: 'EUR', lineItems: [line({})] },
    splits: [
      { ...split, share: '60' },
      { ...split, ownerId: v7(), share: '40' },
    ],
    externalIds: [{ system: 'erp', value: '4711' }],
  });
  return tenant.updateDeal(created.id, { stage: 'lost', lostReason: 'price' });
}

test('a copy has the content of its deal, and begins a life of its own in the first open stage', async () => {
  const source = await lostDeal();

  const copy = await clone(source.id);

  const { id, etag, rank, createTime, updateTime, stageTime, ...same } = source;
  expect(copy).toEqual({
    ...same,
    ...{ id: copy.id, etag: '"1"', rank: copy.rank, createTime: copy.createTime, updateTime: copy.createTime },
    ...{ stage: 'new', status: DealStatus.OPEN, stageTime: copy.createTime, closeTime: undefined },
    ...{ lostReason: undefined, externalIds: [], baseAmount: undefined, baseRates: [] },
    ...{ effectiveProbability: 40, effectiveForecastCategory: copy.effectiveForecastCategory },
    weightedAmount: { currencyCode: 'EUR', amount: '40.02' },
  });
  expect(copy.splits.map(({ amount }) => amount)).toEqual(['60.03', '40.02']);
  expect([id, rank, etag]).not.toContain(copy.id);
  expect([createTime, updateTime, stageTime].every((time) => time! <= copy.createTime!)).toBe(true);
  expect(await tenant.entriesOf(copy)).toMatchObject([
    { stage: 'new', previousStage: undefined, leaveTime: undefined },
  ]);
  expect(await tenant.entriesOf(source)).toHaveLength(2);
  expect(await service.call('getDeal', { id: source.id }, tenant.caller)).toEqual(source);
});

test('a copy differs as the caller says, and lacks what the caller leaves out', async () => {
  const source = await lostDeal();
  const other = await tenant.createPipeline({ stages: [stage('offer', StageKind.OPEN), stage('due', StageKind.OPEN)] });

  const copy = await clone(source.id, {
    ...{ pipelineId: other.id, stage: 'due' },
    set: deal({ title: '4 seats', stage: '' }),
    updateMask: ['title', 'lineItems', 'lineCurrency', 'amountMode', 'splits', 'ownerId', 'customerId'],
  });

  expect(copy).toMatchObject({ title: '4 seats', pipelineId: other.id, stage: 'due', lineItems: [], splits: [] });
  expect(copy).toMatchObject({ amount: source.amount, ownerId: undefined, customerId: undefined, tags: ['vip'] });
});

test('refusals name the field of the request, and nothing is created', async () => {
  const { id } = await tenant.createDeal(pipeline);
  const violations = (field: string, reason: string) => ({ violations: [{ field, reason }] });
  const empty = await tenant.createPipeline({ stages: [stage('won', StageKind.WON)] });

  await expect(clone(id, { stage: 'proposal' })).rejects.toMatchObject(violations('clone.set.amount', 'REQUIRED'));
  await expect(clone(id, { stage: 'signed' })).rejects.toMatchObject(violations('clone.stage', 'STAGE_UNKNOWN'));
  await expect(clone(id, { pipelineId: empty.id })).rejects.toMatchObject(violations('clone.stage', 'NO_SUCH_STAGE'));
  await expect(clone(id, { pipelineId: v7() })).rejects.toMatchObject(
    violations('clone.pipelineId', 'PIPELINE_NOT_FOUND'),
  );
  await expect(clone(id, { set: deal() })).rejects.toMatchObject(violations('clone.set.stage', 'NOT_ALLOWED'));
  await expect(clone(v7())).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  await clone(id, {}, { validateOnly: true });
  expect(await tenant.deals('')).toEqual(['A deal']);
});

test('a repeated request makes one copy', async () => {
  const { id } = await tenant.createDeal(pipeline);

  const [one, other] = [await clone(id, {}, { requestId: 'k' }), await clone(id, {}, { requestId: 'k' })];

  expect(other).toEqual(one);
  expect(await tenant.deals('')).toHaveLength(2);
});

test('a copy leaves out values of deleted custom fields, and its own values replace single ones', async () => {
  for (const key of ['old', 'plan', 'seats']) {
    await defineField(service, tenant.caller, key, Type.TEXT, { recordType: 'deal' });
  }
  const { id } = await tenant.createDeal(pipeline, { customFields: { old: 'x', plan: 'gold', seats: '3' } });
  await service.call('deleteCustomField', { key: 'deal.old' }, tenant.caller);

  const copy = await clone(id, { set: deal({ title: '', stage: '', customFields: { seats: null, plan: 'silver' } }) });

  expect(copy.customFields).toEqual({ plan: 'silver' });
});
