import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { AmountMode, SplitKind, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { MergeDealsRequest } from '@rapport/contracts/rapport/sales/v1/deal_merges_service';
import { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { defineField } from './custom-field-requests.js';
import { QuotesTenant } from './quotes-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
let tenant: QuotesTenant;
let pipeline: Pipeline;

beforeEach(async () => {
  tenant = new QuotesTenant(service);
  pipeline = await tenant.createPipeline();
});

const merge = (id: string, mergedId: string, more: Partial<MergeDealsRequest> = {}, as = tenant.caller) =>
  service.call('mergeDeals', { id, merge: { mergedId }, ...more }, as);
const undo = (id: string, more: object = {}) => service.call('undoDealMerge', { id, ...more }, tenant.caller);

const line = (description: string, unitPrice: string): LineItem => ({
  ...LineItem.decode(new Uint8Array()),
  ...{ description, quantity: '1', unitPrice },
});

const euros = (amount: string) => ({ currencyCode: 'EUR', amount });

const share = (ownerId: string, percent: string) => ({
  ...{ ownerId, share: percent, kind: SplitKind.REVENUE, amount: undefined },
});

/** What a merge and its undo leave as it was: all but the version. */
const content = ({ etag: _, updateTime: __, ...deal }: Deal) => deal;

test('a merged deal gives its lines, shares, tags and ids to a deal that lacks them, and an undo takes them back', async () => {
  await defineField(service, tenant.caller, 'plan', Type.TEXT, { recordType: 'deal' });
  const { id: customerId } = await service.create(tenant.caller, person());
  const lines = { amountMode: AmountMode.LINES, lineCurrency: 'EUR' };
  const survivor = await tenant.createDeal(pipeline, {
    ...{ title: 'Seats', ...lines, lineItems: [line('Seat', '10')], tags: ['vip'], probability: 40 },
    externalIds: [{ system: 'erp', value: '1' }],
  });
  const merged = await tenant.createDeal(pipeline, {
    ...{ title: 'Seats again', stage: 'proposal', ...lines, lineItems: [line('Desk', '20.50'), line('Seat', '10')] },
    ...{ customerId, closeDate: '2027-01-31', probability: 90, tags: ['vip', 'late'], customFields: { plan: 'gold' } },
    splits: [share(v7(), '60'), share(v7(), '40')],
    externalIds: [
      { system: 'erp', value: '2' },
      { system: 'shop', value: '7' },
    ],
  });

  const result = await merge(survivor.id, merged.id);

  expect(result.deal).toMatchObject({
    ...{ title: 'Seats', stage: 'new', customerId, closeDate: '2027-01-31', probability: 40, tags: ['vip', 'late'] },
    ...{ customFields: { plan: 'gold' }, amount: euros('40.50'), lineTotals: { net: '40.50' } },
    lineItems: [{ description: 'Seat' }, { description: 'Desk' }, { description: 'Seat' }],
    splits: [{ amount: '24.30' }, { amount: '16.20' }],
    externalIds: [
      { system: 'erp', value: '1' },
      { system: 'shop', value: '7' },
    ],
  });
  expect(result.merged).toMatchObject({ mergedIntoId: survivor.id, deleteTime: result.merged!.updateTime });
  expect(await tenant.deal(survivor.id)).toEqual(result.deal);
  const gone = { reason: 'DEAL_NOT_FOUND', metadata: { mergedInto: survivor.id } };
  await expect(tenant.deal(merged.id)).rejects.toMatchObject(gone);
  await expect(service.call('undeleteDeal', { id: merged.id }, tenant.caller)).rejects.toMatchObject(gone);
  const { total } = await service.call('aggregateDeals', { sum: ['amount'] }, tenant.caller);
  expect(total).toMatchObject({ count: 1, sums: [{ value: '40.50', currencyCode: 'EUR' }] });

  const undone = await undo(merged.id);

  expect(undone).toMatchObject({ keptFields: [] });
  expect(content(undone.deal!)).toEqual(content(survivor));
  expect(content(undone.merged!)).toEqual(content(merged));
  expect(await tenant.deal(merged.id)).toEqual(undone.merged);
  const ofMerged = (await tenant.entriesOf(merged)).map(({ stage, leaveTime }) => [stage, leaveTime]);
  expect(ofMerged).toEqual([['proposal', undefined]]);
  const changes = await changesOf(service, tenant.caller, 6, { types: ['deal'] });
  expect(changes.flatMap(({ recordId, operation }) => (recordId === merged.id ? [operation] : []))).toEqual([
    ...[ChangeOperation.CREATE, ChangeOperation.MERGE, ChangeOperation.UNDELETE],
  ]);
});

test('a deal keeps values that are 0, and without lines takes over their currency until the undo', async () => {
  const survivor = await tenant.createDeal(pipeline, { probability: 0, lineCurrency: 'USD' });
  const merged = await tenant.createDeal(pipeline, {
    ...{ probability: 90, lineCurrency: 'EUR', lineItems: [line('Seat', '10')] },
  });

  expect((await merge(survivor.id, merged.id)).deal).toMatchObject({ probability: 0, lineCurrency: 'EUR' });
  expect(content((await undo(merged.id)).deal!)).toEqual(content(survivor));
});

test('what refers to a merged deal moves to the surviving one, and returns with the undo', async () => {
  const work = new WorkTenant(service, tenant.caller);
  const { id: customerId } = await service.create(tenant.caller, person());
  const [survivor, merged] = [await tenant.createDeal(pipeline), await tenant.createDeal(pipeline)];
  const related = (...deals: Deal[]) => ({ related: deals.map(({ id }) => ({ type: 'deal', id })) });
  const task = await work.createTask(related(merged));
  const note = await work.createNote(related(survivor, merged));
  const quote = await tenant.createQuote(merged);
  const link = (deal: Deal, type: string) =>
    service.call(
      'createAssociation',
      {
        association: {
          ...Association.decode(new Uint8Array()),
          ...{ from: `customers/${customerId}`, to: `deals/${deal.id}`, type },
        },
      },
      tenant.caller,
    );
  const [known, doubled, moved] = [
    await link(survivor, 'decides_on'),
    await link(merged, 'decides_on'),
    await link(merged, 'pays_for'),
  ];
  const stateOf = async (...deals: Deal[]) => ({
    task: (await work.getTask(task.id)).related,
    note: (await service.call('getNote', { id: note.id }, tenant.caller)).related,
    quote: (await tenant.quote(quote.id)).dealId,
    links: await Promise.all(
      deals.map(async ({ id }) => {
        const request = { record: `deals/${id}`, pageSize: 10 };
        const { associations } = await service.call('listRecordAssociations', request, tenant.caller);
        return associations.map((each) => each.id).toSorted();
      }),
    ),
  });
  const before = await stateOf(survivor, merged);

  expect(await merge(survivor.id, merged.id)).toMatchObject({ movedCount: 4 });

  expect(await stateOf(survivor)).toEqual({
    ...{ task: related(survivor).related, note: related(survivor).related, quote: survivor.id },
    links: [[known.id, moved.id].toSorted()],
  });
  await tenant.createQuote(survivor);
  await undo(merged.id);
  expect(await stateOf(survivor, merged)).toEqual(before);
  expect(before.links).toEqual([[known.id], [doubled.id, moved.id].toSorted()]);
});

test('an undo keeps what was changed after the merge, and names it', async () => {
  await defineField(service, tenant.caller, 'plan', Type.TEXT, { recordType: 'deal' });
  await defineField(service, tenant.caller, 'seats', Type.TEXT, { recordType: 'deal' });
  const survivor = await tenant.createDeal(pipeline);
  const merged = await tenant.createDeal(pipeline, {
    ...{ amount: euros('100'), closeDate: '2027-01-31', customFields: { plan: 'gold', seats: '5' }, tags: ['late'] },
    ...{ lineCurrency: 'EUR', lineItems: [line('Seat', '10'), line('Desk', '20')] },
  });
  const { deal } = await merge(survivor.id, merged.id);
  expect(deal).toMatchObject({ amount: euros('100'), lineTotals: { net: '30.00' } });
  await tenant.updateDeal(survivor.id, {
    ...{ amount: euros('120'), customFields: { plan: 'silver' }, lineItems: [line('Seat', '10'), line('Desk', '25')] },
  });

  const undone = await undo(merged.id);

  expect(undone.keptFields.toSorted()).toEqual(['amount', 'customFields.plan', 'lineItems']);
  expect(undone.deal).toMatchObject({
    ...{ amount: euros('120'), closeDate: undefined, customFields: { plan: 'silver' }, tags: [] },
    lineItems: [{ description: 'Desk', unitPrice: '25' }],
  });
});

test('a merged deal whose customer is erased stays erased after the undo', async () => {
  const { id: customerId } = await service.create(tenant.caller, person());
  const [survivor, merged] = [
    await tenant.createDeal(pipeline),
    await tenant.createDeal(pipeline, { title: 'Ada', customerId }),
  ];
  expect((await merge(survivor.id, merged.id)).deal).toMatchObject({ title: 'A deal', customerId });

  await service.call('eraseCustomer', { id: customerId, erasure: { reason: 'asked for' } }, tenant.caller);

  expect(await tenant.deal(survivor.id)).toMatchObject({ title: 'erased', customerId: undefined });
  expect((await undo(merged.id)).merged).toMatchObject({ title: 'erased', customerId: undefined });
});

describe('a merge', () => {
  test('of several into one deal is undone last first, and only on a live deal', async () => {
    const [one, two, three, four] = [
      await tenant.createDeal(pipeline),
      await tenant.createDeal(pipeline, { tags: ['a'] }),
      await tenant.createDeal(pipeline, { tags: ['a'] }),
      await tenant.createDeal(pipeline),
    ];
    await merge(one.id, two.id);
    await merge(one.id, three.id);
    const builtUpon = (mergedId: string) => ({ reason: 'MERGE_BUILT_UPON', metadata: { mergedId } });
    await expect(undo(two.id)).rejects.toMatchObject(builtUpon(three.id));
    await merge(four.id, one.id);
    await expect(undo(three.id)).rejects.toMatchObject(builtUpon(one.id));
    await undo(one.id);
    await service.call('deleteDeal', { id: one.id }, tenant.caller);
    await expect(undo(three.id)).rejects.toMatchObject({ reason: 'DEAL_DELETED' });
    await service.call('undeleteDeal', { id: one.id }, tenant.caller);
    expect((await undo(three.id)).deal!.tags).toEqual(['a']);
    expect((await undo(two.id)).deal!.tags).toEqual([]);
    await expect(undo(two.id)).rejects.toMatchObject({ reason: 'DEAL_NOT_MERGED' });
    await expect(undo(v7())).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  });

  test('is refused with the field and the reason', async () => {
    const ofLines = (currency: string, count: number) => ({
      ...{ lineCurrency: currency, lineItems: Array.from({ length: count }, () => line('Seat', '1')) },
    });
    const survivor = await tenant.createDeal(pipeline, ofLines('EUR', 120));
    const other = await tenant.createDeal(pipeline, ofLines('USD', 1));
    const long = await tenant.createDeal(pipeline, ofLines('EUR', 81));
    const refused = (mergedId: string, reason: string) =>
      expect(merge(survivor.id, mergedId), reason).rejects.toMatchObject({
        violations: [{ field: 'merge.mergedId', reason }],
      });
    await refused(survivor.id, 'SELF_MERGE');
    await refused(v7(), 'DEAL_NOT_FOUND');
    await refused(other.id, 'CURRENCY_MISMATCH');
    await refused(long.id, 'TOO_MANY_ITEMS');
    await expect(merge(v7(), other.id)).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
    const old = { merge: { mergedId: long.id, mergedEtag: '"9"' } };
    await expect(merge(survivor.id, long.id, old)).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await expect(merge(survivor.id, long.id, { etag: '"9"' })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    expect(await tenant.deal(survivor.id)).toEqual(survivor);
  });

  test('is made once for a key, and not at all to be validated', async () => {
    const [survivor, merged] = [await tenant.createDeal(pipeline), await tenant.createDeal(pipeline)];
    const shown = await merge(survivor.id, merged.id, { validateOnly: true });
    expect(shown.merged!.mergedIntoId).toBe(survivor.id);
    expect(await tenant.deal(merged.id)).toEqual(merged);

    const made = await merge(survivor.id, merged.id, { requestId: 'key-1', etag: survivor.etag });
    expect(await merge(survivor.id, merged.id, { requestId: 'key-1', etag: survivor.etag })).toEqual(made);
    expect(await undo(merged.id, { validateOnly: true })).toMatchObject({ merged: { mergedIntoId: undefined } });
    await expect(undo(merged.id, { etag: merged.etag })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  });

  test('concerns deals that the caller sees, and moves what the caller does not see', async () => {
    const ownerId = v7();
    const own: Caller = { ...tenant.caller, principalId: `user:${ownerId}`, recordScope: 'OWN' };
    const [seen, mine] = [
      await tenant.createDeal(pipeline, { ownerId }),
      await tenant.createDeal(pipeline, { ownerId }),
    ];
    const hidden = await tenant.createDeal(pipeline, { ownerId: v7() });
    const work = new WorkTenant(service, tenant.caller);
    const task = await work.createTask({ related: [{ type: 'deal', id: mine.id }], ownerId: v7() });
    await expect(merge(seen.id, hidden.id, {}, own)).rejects.toMatchObject({
      violations: [{ field: 'merge.mergedId', reason: 'DEAL_NOT_FOUND' }],
    });
    await expect(merge(hidden.id, seen.id, {}, own)).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
    await merge(seen.id, mine.id, {}, own);
    expect((await work.getTask(task.id)).related).toEqual([{ type: 'deal', id: seen.id }]);
  });
});
