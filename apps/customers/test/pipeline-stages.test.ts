import { StageKind, StageTransitions, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { PipelineArchival, StageRemoval } from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import { beforeEach, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let pipeline: Pipeline;

beforeEach(async () => {
  tenant = new SalesTenant(service);
  pipeline = await tenant.createPipeline();
});

const keysOf = ({ stages }: Pipeline) => stages.map(({ key }) => key);
const remove = (given: Partial<StageRemoval>, more: object = {}, caller = tenant.caller) =>
  service.call(
    'removeStage',
    { id: pipeline.id, removal: { ...StageRemoval.decode(new Uint8Array()), ...given }, ...more },
    caller,
  );
const archive = (given: Partial<PipelineArchival>) =>
  service.call(
    'archivePipeline',
    { id: pipeline.id, archival: { ...PipelineArchival.decode(new Uint8Array()), ...given } },
    tenant.caller,
  );

test('a stage is added before another one, or as the last one', async () => {
  const add = (key: string, before?: string, etag?: string) =>
    service.call(
      'addStage',
      { id: pipeline.id, addition: { stage: stage(key, StageKind.OPEN), before }, etag },
      tenant.caller,
    );

  expect(keysOf(await add('demo', 'proposal', '"1"'))).toEqual(['new', 'demo', 'proposal', 'won', 'lost']);
  const changed = await add('paused');
  expect(keysOf(changed)).toEqual(['new', 'demo', 'proposal', 'won', 'lost', 'paused']);
  expect(changed.stages.at(0)?.id).toBe(pipeline.stages.at(0)?.id);
  await expect(add('late', undefined, '"1"')).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  await expect(add('demo')).rejects.toMatchObject({ violations: [{ reason: 'DUPLICATE' }] });
  await expect(add('other', 'unknown')).rejects.toMatchObject({
    violations: [{ field: 'addition.before', reason: 'STAGE_UNKNOWN' }],
  });
});

test('a stage has a name', async () => {
  const stages = pipeline.stages.map((each, index) => (index === 1 ? { ...each, name: ' ' } : each));
  await expect(tenant.createPipeline({ stages })).rejects.toMatchObject({
    violations: [{ field: 'pipeline.stages[1].name', reason: 'REQUIRED' }],
  });
});

test('stages get another order, which has each of them once', async () => {
  const reorder = (...stages: string[]) =>
    service.call('reorderStages', { id: pipeline.id, order: { stages } }, tenant.caller);
  const differ = { violations: [{ field: 'order.stages', reason: 'STAGES_DIFFER' }] };

  expect(keysOf(await reorder('lost', 'won', 'proposal', 'new'))).toEqual(['lost', 'won', 'proposal', 'new']);
  await expect(reorder('lost', 'won', 'new')).rejects.toMatchObject(differ);
  await expect(reorder('lost', 'won', 'new', 'new')).rejects.toMatchObject(differ);
});

test('an update does not remove a stage that live deals are in', async () => {
  const { id } = await tenant.createDeal(pipeline);
  const stages = pipeline.stages.slice(1);
  const update = () =>
    service.call(
      'updatePipeline',
      { id: pipeline.id, pipeline: { ...pipeline, stages }, updateMask: ['stages'] },
      tenant.caller,
    );

  await expect(update()).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'STAGE_IN_USE',
    metadata: { stages: 'new' },
  });
  await service.call('deleteDeal', { id }, tenant.caller);
  expect(keysOf(await update())).toEqual(['proposal', 'won', 'lost']);
  await expect(service.call('undeleteDeal', { id }, tenant.caller)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'STAGE_UNKNOWN',
  });
});

test('the deals of a removed stage move in their order, with entries, despite transitions', async () => {
  pipeline = await tenant.createPipeline({
    stages: ['a', 'b', 'c'].map((key) => stage(key, StageKind.OPEN)),
    transitions: StageTransitions.LISTED,
    transitionPairs: [
      { from: 'a', to: 'c' },
      { from: 'b', to: 'c' },
    ],
  });
  const titles = Array.from({ length: 6 }, (_, index) => `Deal ${index}`);
  for (const title of titles) await tenant.createDeal(pipeline, { title, stage: 'a' });
  await tenant.createDeal(pipeline, { title: 'There', stage: 'b' });

  const removed = await remove({ stage: 'a', moveTo: 'b', reason: 'No more a.' });

  expect(removed.movedDeals).toBe(6);
  expect(keysOf(removed.pipeline!)).toEqual(['b', 'c']);
  expect(removed.pipeline?.transitionPairs).toEqual([{ from: 'b', to: 'c' }]);
  expect(await tenant.deals('stage = b', 'rank')).toEqual(['There', ...titles]);
  const { stageEntries } = await service.call('listStageEntries', { filter: 'stage = b' }, tenant.caller);
  expect(
    stageEntries.filter(({ reason, previousStage }) => reason === 'No more a.' && previousStage === 'a'),
  ).toHaveLength(6);
});

test('guards keep a stage from being removed, unless they are overridden', async () => {
  const { id } = await tenant.createDeal(pipeline, { title: 'Without an amount' });
  const refused = { field: 'removal.moveTo', reason: 'GUARD_VIOLATED' };

  await expect(remove({ stage: 'new', moveTo: 'proposal' })).rejects.toMatchObject({
    violations: [
      { ...refused, description: `refuses the deal ${id}: amount must be set when the stage proposal is entered` },
    ],
  });
  expect(await service.call('getDeal', { id }, tenant.caller)).toMatchObject({ stage: 'new', etag: '"1"' });
  expect(await remove({ stage: 'new', moveTo: 'proposal', override: true })).toMatchObject({ movedDeals: 1 });
  const moved = await service.call('getDeal', { id }, tenant.caller);
  expect((await tenant.entriesOf(moved)).map(({ overridden }) => overridden)).toEqual([undefined, true]);
});

test('a stage is removed once for an idempotency key, not at all in a trial, and needs the permission to write deals', async () => {
  await tenant.createDeal(pipeline);
  const wanted = { stage: 'new', moveTo: 'won', override: true };
  const permissions = tenant.caller.permissions.filter((each) => each !== 'deals.write');

  await expect(remove(wanted, {}, { ...tenant.caller, permissions })).rejects.toMatchObject({
    reason: 'PERMISSION_MISSING',
    metadata: { permission: 'deals.write' },
  });
  await expect(remove(wanted, {}, { ...tenant.caller, recordScope: 'OWN' })).rejects.toMatchObject({
    reason: 'RECORD_SCOPE_UNSUPPORTED',
  });
  expect(await remove(wanted, { validateOnly: true })).toMatchObject({ movedDeals: 1 });
  expect(await tenant.deals('stage = new')).toHaveLength(1);
  const first = await remove(wanted, { requestId: 'once' });
  expect(await remove(wanted, { requestId: 'once' })).toEqual(first);
  await expect(remove({ stage: 'won', moveTo: 'won' })).rejects.toMatchObject({
    violations: [{ field: 'removal.moveTo', reason: 'SAME_STAGE' }],
  });
});

test('a pipeline is archived after its deals have moved to another one, and restored without them', async () => {
  const other = await tenant.createPipeline({ stages: [stage('in', StageKind.OPEN)] });
  for (const key of ['new', 'lost']) await tenant.createDeal(pipeline, { title: key, stage: key, lostReason: 'x' });

  await expect(archive({})).rejects.toMatchObject({ reason: 'RECORD_IN_USE' });
  await expect(archive({ moveToPipelineId: other.id })).rejects.toMatchObject({
    violations: [{ field: 'archival.moveToStage', reason: 'REQUIRED' }],
  });
  await expect(archive({ moveToPipelineId: other.id, moveToStage: 'out' })).rejects.toMatchObject({
    violations: [{ field: 'archival.moveToStage', reason: 'STAGE_UNKNOWN' }],
  });
  const archived = await archive({ moveToPipelineId: other.id, moveToStage: 'in' });

  expect(archived.movedDeals).toBe(2);
  expect(archived.pipeline?.deleteTime).toBeDefined();
  expect(await tenant.deals(`pipelineId = ${other.id} AND status = OPEN`, 'title')).toEqual(['lost', 'new']);
  await service.call('undeletePipeline', { id: pipeline.id }, tenant.caller);
  expect(await tenant.deals(`pipelineId = ${pipeline.id}`)).toEqual([]);
});
