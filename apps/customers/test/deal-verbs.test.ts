import { DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  DealLoss,
  DealMove,
  DealReopening,
  DealTransfer,
  DealWin,
} from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { StageKind, StageTransitions, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { beforeEach, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let pipeline: Pipeline;

beforeEach(async () => {
  tenant = new SalesTenant(service);
  pipeline = await tenant.createPipeline();
});

const nothing = new Uint8Array();
const move = (id: string, given: Partial<DealMove>, more: object = {}, caller = tenant.caller) =>
  service.call(
    'moveDeal',
    { id, move: { ...DealMove.decode(nothing), updateMask: undefined, ...given }, ...more },
    caller,
  );
const check = (id: string, given: Partial<DealMove>) =>
  service.call(
    'checkDealMove',
    { id, move: { ...DealMove.decode(nothing), updateMask: undefined, ...given } },
    tenant.caller,
  );
const win = (id: string, given: Partial<DealWin> = {}) =>
  service.call('winDeal', { id, win: { ...DealWin.decode(nothing), updateMask: undefined, ...given } }, tenant.caller);
const lose = (id: string, given: Partial<DealLoss>) =>
  service.call(
    'loseDeal',
    { id, loss: { ...DealLoss.decode(nothing), updateMask: undefined, ...given } },
    tenant.caller,
  );
const reopen = (id: string, given: Partial<DealReopening> = {}) =>
  service.call(
    'reopenDeal',
    { id, reopening: { ...DealReopening.decode(nothing), updateMask: undefined, ...given } },
    tenant.caller,
  );
const amount = { amount: '5.00', currencyCode: 'EUR' };

test('a move sets fields in the same write, and its reason is in the stage entry', async () => {
  const created = await tenant.createDeal(pipeline);

  const moved = await move(created.id, {
    stage: 'proposal',
    set: deal({ title: '', stage: '', amount }),
    reason: 'Ready.',
  });

  expect(moved).toMatchObject({ stage: 'proposal', amount, title: 'A deal', etag: '"2"' });
  const [first, second] = await tenant.entriesOf(moved);
  expect(first).toMatchObject({ stage: 'new', reason: undefined, cause: 'api', amount: undefined });
  expect(second).toMatchObject({ stage: 'proposal', reason: 'Ready.', cause: 'api', overridden: undefined, amount });
  expect(second?.createdBy).toBe(tenant.caller.principalId);
  const { deals } = await service.call('listDeals', { filter: 'stageEntries.cause = api' }, tenant.caller);
  expect(deals).toHaveLength(1);
});

test('a move clears the fields of its mask, and does not set the stage by it', async () => {
  const { id } = await tenant.createDeal(pipeline, { amount });
  const set = deal({ title: '', stage: 'won' });

  expect(await move(id, { set: deal(), updateMask: ['amount'] })).toMatchObject({ amount: undefined, title: 'A deal' });
  await expect(move(id, { set })).rejects.toMatchObject({
    violations: [{ field: 'move.set.stage', reason: 'NOT_ALLOWED' }],
  });
});

test('a move sets no field that only the service sets', async () => {
  const { id } = await tenant.createDeal(pipeline);
  const set = deal({ title: '', stage: '', baseAmount: amount });

  await expect(move(id, { set })).rejects.toMatchObject({
    violations: [{ field: 'move.set.baseAmount', reason: 'OUTPUT_ONLY' }],
  });
  await expect(tenant.createDeal(pipeline, { baseAmount: amount })).rejects.toMatchObject({
    violations: [{ field: 'deal.baseAmount', reason: 'OUTPUT_ONLY' }],
  });
});

test('an override passes guards and transitions, is recorded, and needs the permission to configure pipelines', async () => {
  const { id } = await tenant.createDeal(pipeline);
  const others = { ...tenant.caller, permissions: ['deals.read', 'deals.write'] };

  await expect(move(id, { stage: 'won', override: true }, {}, others)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    reason: 'OVERRIDE_NOT_ALLOWED',
  });
  await expect(move(id, { stage: 'unknown', override: true })).rejects.toMatchObject({
    violations: [{ reason: 'STAGE_UNKNOWN' }],
  });
  const won = await move(id, { stage: 'won', override: true });
  const lost = await move(id, { stage: 'lost', override: true, set: deal({ title: '', stage: '', lostReason: 'x' }) });

  expect(won).toMatchObject({ status: DealStatus.WON });
  const entries = await tenant.entriesOf(lost);
  expect(entries.map(({ stage: key, overridden }) => [key, overridden])).toEqual([
    ['new', undefined],
    ['won', true],
    ['lost', undefined],
  ]);
});

test('a check names what a move violates, and changes nothing', async () => {
  const created = await tenant.createDeal(pipeline);
  const { id } = created;

  expect(await check(id, { stage: 'won' })).toEqual({
    allowed: false,
    refusals: [
      { field: 'move.set.amount', reason: 'REQUIRED', description: 'must be set when the stage won is entered' },
      { field: 'move.set.closeDate', reason: 'REQUIRED', description: 'must be set when the stage won is entered' },
    ],
  });
  expect(await check(id, { stage: 'proposal', set: deal({ title: '', stage: '', amount }) })).toEqual({
    allowed: true,
    refusals: [],
  });
  expect(await service.call('getDeal', { id }, tenant.caller)).toEqual(created);
  expect(await tenant.entriesOf(created)).toHaveLength(1);
});

test('a deal is won, lost with a reason, and reopened in its last open stage', async () => {
  const { id } = await tenant.createDeal(pipeline, { stage: 'proposal', amount });

  await expect(reopen(id)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'DEAL_OPEN' });
  await expect(win(id)).rejects.toMatchObject({ violations: [{ field: 'win.set.closeDate', reason: 'REQUIRED' }] });
  expect(await win(id, { set: deal({ title: '', stage: '', closeDate: '2026-11-01' }) })).toMatchObject({
    ...{ stage: 'won', status: DealStatus.WON, closeDate: '2026-11-01' },
  });
  expect(await lose(id, { reason: 'price' })).toMatchObject({ status: DealStatus.LOST, lostReason: 'price' });
  expect(await reopen(id, { reason: 'A new offer.' })).toMatchObject({
    ...{ stage: 'proposal', status: DealStatus.OPEN, lostReason: undefined, closeTime: undefined },
  });
  await expect(win(id, { stage: 'lost' })).rejects.toMatchObject({
    violations: [{ field: 'win.stage', reason: 'KIND_MISMATCH' }],
  });
  await expect(lose(id, { reason: '' })).rejects.toMatchObject({ violations: [{ field: 'loss.reason' }] });
});

test('a deal without a stage to close it in stays open', async () => {
  const open = await tenant.createPipeline({ stages: [stage('a', StageKind.OPEN)] });
  const { id } = await tenant.createDeal(open, { stage: 'a' });

  await expect(win(id)).rejects.toMatchObject({ violations: [{ field: 'win.stage', reason: 'NO_SUCH_STAGE' }] });
});

test('a deal is transferred to a stage of another pipeline by its guards, not by its transitions', async () => {
  const other = await tenant.createPipeline({
    stages: [stage('a', StageKind.OPEN), stage('b', StageKind.OPEN), stage('c', StageKind.OPEN, ['amount'])],
    transitions: StageTransitions.NEXT_ONLY,
  });
  const { id } = await tenant.createDeal(pipeline);
  const transfer = (key: string) =>
    service.call(
      'transferDeal',
      { id, transfer: { ...DealTransfer.decode(nothing), updateMask: undefined, pipelineId: other.id, stage: key } },
      tenant.caller,
    );

  await expect(transfer('c')).rejects.toMatchObject({
    violations: [{ field: 'transfer.set.amount', reason: 'REQUIRED' }],
  });
  expect(await transfer('b')).toMatchObject({ pipelineId: other.id, stage: 'b' });
});

test('a deal rots after the limit of its stage, and no more once it is closed', async () => {
  const slow = await tenant.createPipeline({
    stages: [{ ...stage('a', StageKind.OPEN), limitDays: 7 }, stage('b', StageKind.OPEN), stage('won', StageKind.WON)],
  });
  const created = await tenant.createDeal(slow, { stage: 'a', title: 'Slow' });
  const days = (Date.parse(created.rotTime ?? '') - Date.parse(created.stageTime ?? '')) / 86_400_000;

  expect(days).toBe(7);
  expect(await tenant.deals(`rotTime < "${new Date(Date.now() + 8 * 86_400_000).toISOString()}"`)).toEqual(['Slow']);
  expect(await tenant.deals(`rotTime < "${new Date().toISOString()}"`)).toEqual([]);
  expect(await win(created.id)).toMatchObject({ rotTime: undefined });
});
