import { DealMove } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { GuardAge, GuardKind, GuardMoment, StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { Task, TaskStatus } from '@rapport/contracts/rapport/work/v1/task';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { OtherWrite } from './other-write.js';
import { sharedCustomers } from './running-customers.js';
import { deal, guard, SalesTenant, stage } from './sales-tenant.js';
import { superuserOf } from './superuser.js';

const service = await sharedCustomers();
let tenant: SalesTenant;

beforeEach(() => {
  tenant = new SalesTenant(service);
});

/** A pipeline with the stages `from` and `to`, of which one has the guard. */
function guarded(rule: ReturnType<typeof guard>) {
  const isLeft = rule.on === GuardMoment.LEAVE;
  return tenant.createPipeline({
    stages: [
      { ...stage('from', StageKind.OPEN), guards: isLeft ? [rule] : [] },
      { ...stage('to', StageKind.OPEN), guards: isLeft ? [] : [rule] },
      stage('free', StageKind.OPEN),
    ],
  });
}

const moments = [
  ['entered', GuardMoment.ENTER],
  ['left', GuardMoment.LEAVE],
] as const;

describe.each(moments)('a guard of a stage that is %s', (_, on) => {
  test('requires fields', async () => {
    const pipeline = await guarded(guard(GuardKind.FIELDS, { on, fields: ['amount'], message: 'Enter the amount.' }));
    const { id } = await tenant.createDeal(pipeline, { stage: 'from' });

    await expect(tenant.updateDeal(id, { stage: 'to' })).rejects.toMatchObject({
      violations: [{ field: 'deal.amount', reason: 'REQUIRED', description: 'Enter the amount.' }],
    });
    const amount = { amount: '1', currencyCode: 'EUR' };
    expect(await tenant.updateDeal(id, { stage: 'to', amount })).toMatchObject({ stage: 'to' });
  });

  test('requires a condition, and names the fields of its error', async () => {
    const expression = 'deal.tags.exists(tag, tag == "approved")';
    const pipeline = await guarded(guard(GuardKind.EXPRESSION, { on, expression, fields: ['tags'] }));
    const { id } = await tenant.createDeal(pipeline, { stage: 'from', tags: ['new'] });

    await expect(tenant.updateDeal(id, { stage: 'to' })).rejects.toMatchObject({
      violations: [{ field: 'deal.tags', reason: 'CONDITION_NOT_MET', description: `does not meet ${expression}` }],
    });
    expect(await tenant.updateDeal(id, { stage: 'to', tags: ['approved'] })).toMatchObject({ stage: 'to' });
  });

  test('requires a permission of the caller, or a team', async () => {
    const team = v7();
    const rule = guard(GuardKind.ROLE, { on, permissions: ['deals.approve'], teamIds: [team] });
    const pipeline = await guarded(rule);
    const move = async (caller = tenant.caller) => {
      const { id } = await tenant.createDeal(pipeline, { stage: 'from' });
      const deal = { ...(await service.call('getDeal', { id }, tenant.caller)), stage: 'to' };
      return service.call('updateDeal', { id, deal, updateMask: ['stage'] }, caller);
    };
    const { permissions } = tenant.caller;

    await expect(move()).rejects.toMatchObject({ violations: [{ field: 'deal.stage', reason: 'ROLE_REQUIRED' }] });
    expect(await move({ ...tenant.caller, permissions: [...permissions, 'deals.approve'] })).toMatchObject({
      stage: 'to',
    });
    expect(await move({ ...tenant.caller, teamIds: [team] })).toMatchObject({ stage: 'to' });
  });

  test.each([
    ['stay', GuardAge.STAGE, 'stage_time'],
    ['deal', GuardAge.DEAL, 'create_time'],
  ])('requires the age of the %s', async (__, ageOf, column) => {
    const pipeline = await guarded(guard(GuardKind.MIN_AGE, { on, minAgeSeconds: 3_600, ageOf }));
    const { id } = await tenant.createDeal(pipeline, { stage: 'from' });
    const refused = { violations: [{ field: 'deal.stage', reason: 'TOO_EARLY' }] };

    await expect(tenant.updateDeal(id, { stage: 'to' })).rejects.toMatchObject(refused);
    const superuser = await superuserOf(service.urls.ownerUrl);
    await superuser.query(`update deal set ${column} = now() - interval '1 hour' where id = $1`, [id]);
    await superuser.end();
    expect(await tenant.updateDeal(id, { stage: 'to' })).toMatchObject({ stage: 'to' });
  });
});

test('a guard for entering a stage applies to a new deal, and one for leaving it to a change of the pipeline', async () => {
  const entered = await guarded(guard(GuardKind.FIELDS, { fields: ['amount'] }));
  const left = await guarded(guard(GuardKind.FIELDS, { on: GuardMoment.LEAVE, fields: ['amount'] }));

  await expect(tenant.createDeal(entered, { stage: 'to' })).rejects.toMatchObject({
    violations: [{ field: 'deal.amount', reason: 'REQUIRED' }],
  });
  const { id } = await tenant.createDeal(left, { stage: 'from' });
  await expect(tenant.updateDeal(id, { pipelineId: entered.id, stage: 'free' })).rejects.toMatchObject({
    violations: [{ field: 'deal.amount', reason: 'REQUIRED' }],
  });
});

test('a condition is checked against the fields of deals, built-in and custom, when the pipeline is saved', async () => {
  const wrong = (expression: string) => guarded(guard(GuardKind.EXPRESSION, { expression }));
  const field = 'pipeline.stages[1].guards[0].expression';
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query(
    `insert into custom_field (tenant_id, key, type, record_type, options, searchable, version, create_time, update_time)
     values ($1, 'deal.seats', 'NUMBER', 'deal', '[]', true, 1, now(), now())`,
    [tenant.caller.tenantId],
  );
  await superuser.end();

  await expect(wrong('deal.titel == "x"')).rejects.toMatchObject({ violations: [{ field, reason: 'BAD_EXPRESSION' }] });
  await expect(wrong('deal.customFields.plan == "x"')).rejects.toMatchObject({
    violations: [{ field, reason: 'BAD_EXPRESSION', description: 'must be a condition: No such key: plan' }],
  });
  await expect(wrong(Array.from({ length: 60 }, () => 'has(deal.amount)').join('||'))).rejects.toMatchObject({
    violations: [{ field, reason: 'EXPRESSION_TOO_LARGE' }],
  });
  const pipeline = await wrong('deal.customFields.seats >= 10');
  const updated = { ...pipeline, name: 'Renamed' };
  await service.call('updatePipeline', { id: pipeline.id, pipeline: updated, updateMask: ['name'] }, tenant.caller);
  await expect(tenant.createDeal(pipeline, { stage: 'to', customFields: { seats: 9 } })).rejects.toMatchObject({
    violations: [{ field: 'deal.stage', reason: 'CONDITION_NOT_MET' }],
  });
  expect(await tenant.createDeal(pipeline, { stage: 'to', customFields: { seats: 10 } })).toMatchObject({
    stage: 'to',
  });
});

test('a guard has what its kind needs, and nothing else', async () => {
  const rules = [
    guard(GuardKind.FIELDS),
    guard(GuardKind.FIELDS, { fields: ['amount', 'nothing'], minAgeSeconds: 5 }),
    guard(GuardKind.EXPRESSION, { fields: ['amount'] }),
    guard(GuardKind.ROLE),
    guard(GuardKind.MIN_AGE, { ageOf: GuardAge.DEAL }),
    guard(GuardKind.OPEN_TASKS, { permissions: ['deals.write'] }),
  ];
  const at = (index: number, field: string) => `pipeline.stages[0].guards[${index}].${field}`;

  const creating = tenant.createPipeline({ stages: [{ ...stage('new', StageKind.OPEN), guards: rules }] });

  await expect(creating).rejects.toMatchObject({
    violations: [
      { field: at(0, 'fields'), reason: 'REQUIRED' },
      { field: at(1, 'fields[1]'), reason: 'UNKNOWN_FIELD' },
      { field: at(1, 'minAgeSeconds'), reason: 'NOT_ALLOWED' },
      { field: at(2, 'expression'), reason: 'REQUIRED' },
      { field: at(3, 'permissions'), reason: 'REQUIRED' },
      { field: at(4, 'minAgeSeconds'), reason: 'REQUIRED' },
      { field: at(5, 'permissions'), reason: 'NOT_ALLOWED' },
    ],
  });
});

test('guards of an earlier release stay valid', async () => {
  const pipeline = await tenant.createPipeline();
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query(
    `update pipeline set stages = (
       select jsonb_agg(jsonb_set(stage, '{guards}', (
         select coalesce(jsonb_agg(jsonb_build_object('kind', guard->'kind', 'fields', guard->'fields')), '[]')
         from jsonb_array_elements(stage->'guards') guard)))
       from jsonb_array_elements(stages) stage)
     where id = $1`,
    [pipeline.id],
  );
  await superuser.end();

  const stored = await service.call('getPipeline', { id: pipeline.id }, tenant.caller);
  expect(stored.stages[1]?.guards).toEqual([guard(GuardKind.FIELDS, { fields: ['amount'] })]);
  await service.call(
    'updatePipeline',
    { id: pipeline.id, pipeline: { ...stored, name: 'Renamed' }, updateMask: ['name', 'stages'] },
    tenant.caller,
  );
  await expect(tenant.createDeal(pipeline, { stage: 'proposal' })).rejects.toMatchObject({
    violations: [{ field: 'deal.amount', reason: 'REQUIRED' }],
  });
});

test('a guard about open tasks counts those of other owners, and no others', async () => {
  const pipeline = await guarded(guard(GuardKind.OPEN_TASKS));
  const { principalId } = tenant.caller;
  const [id, ownerId] = [principalId.replace('apiKey:', ''), v7()];
  const limited = { ...tenant.caller, recordScope: 'OWN' as const };
  const create = async () => (await tenant.createDeal(pipeline, { stage: 'from', ownerId: id })).id;
  const [free, busy] = [await create(), await create()];
  const add = (dealId: string, status: TaskStatus) =>
    service.call(
      'createTask',
      {
        task: {
          ...Task.decode(new Uint8Array()),
          subject: 'Call',
          status,
          ownerId,
          related: [{ type: 'deal', id: dealId }],
        },
      },
      tenant.caller,
    );
  await add(free, TaskStatus.DONE);
  const open = await add(busy, TaskStatus.OPEN);
  const move = (dealId: string) =>
    service.call('updateDeal', { id: dealId, deal: deal({ stage: 'to' }), updateMask: ['stage'] }, limited);

  expect(await move(free)).toMatchObject({ stage: 'to' });
  await expect(service.call('getTask', { id: open.id }, limited)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(move(busy)).rejects.toMatchObject({ violations: [{ field: 'deal.stage', reason: 'OPEN_TASKS' }] });
  await service.call('deleteTask', { id: open.id }, tenant.caller);
  expect(await move(busy)).toMatchObject({ stage: 'to' });
});

test.each([
  'deal.title == "Secret"',
  'has(deal.title)',
  'deal["title"] == "Secret"',
  '[deal, 1].exists(each, each.title == "Secret")',
  'deal.tags.exists(tag, deal.title.contains(tag))',
])('a caller without access to titles can not ask for them by the condition %s', async (expression) => {
  const blind = new SalesTenant(service, { ...tenant.caller, principalId: `apiKey:${v7()}`, hidesPii: true });
  const asks = { stages: [{ ...stage('to', StageKind.OPEN), guards: [guard(GuardKind.EXPRESSION, { expression })] }] };
  const refusal = { code: 'PERMISSION_DENIED', reason: 'FIELD_HIDDEN' };

  await expect(blind.createPipeline(asks)).rejects.toMatchObject({ ...refusal, metadata: { field: 'title' } });
  const known = await tenant.createPipeline(asks);
  const more = { ...known, stages: [...known.stages, stage('more', StageKind.OPEN)] };
  const update = (pipeline: typeof known) =>
    service.call('updatePipeline', { id: known.id, pipeline, updateMask: ['stages'] }, blind.caller);
  expect((await update(more)).stages).toHaveLength(2);
  const [first] = known.stages;
  const other = guard(GuardKind.EXPRESSION, { expression: `!(${expression})` });
  await expect(update({ ...known, stages: [{ ...first!, guards: [other] }] })).rejects.toMatchObject(refusal);
  const byTag = {
    stages: [{ ...first!, guards: [guard(GuardKind.EXPRESSION, { expression: 'size(deal.tags) > 0' })] }],
  };
  expect((await blind.createPipeline(byTag)).stages).toHaveLength(1);
});

const doors: Record<string, (id: string) => Promise<unknown>> = {
  update: (id) => tenant.updateDeal(id, { stage: 'to' }),
  batch: (id) => {
    const items = [{ id, deal: deal({ stage: 'to' }), updateMask: ['stage'], etag: undefined }];
    return service.call('batchUpdateDeals', { batch: { items, mode: 0 } }, tenant.caller);
  },
  move: (id) => {
    const move = { ...DealMove.decode(new Uint8Array()), updateMask: undefined, stage: 'to' };
    return service.call('moveDeal', { id, move }, tenant.caller);
  },
};

test.each(Object.keys(doors))('a %s that waits for a transfer obeys the guards of the new pipeline', async (door) => {
  const free = await tenant.createPipeline({ stages: [stage('from', StageKind.OPEN), stage('to', StageKind.OPEN)] });
  const strict = await guarded(guard(GuardKind.FIELDS, { on: GuardMoment.LEAVE, fields: ['amount'] }));
  const { id } = await tenant.createDeal(free, { stage: 'from' });
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query('begin');
  await superuser.query('update deal set pipeline_id = $2, version = version + 1 where id = $1', [id, strict.id]);

  const moving = doors[door]!(id).catch((error: unknown) => error);
  await new OtherWrite(superuser).untilWaiting(1);
  await superuser.query('commit');
  await superuser.end();

  expect(await moving).toMatchObject({ violations: [{ reason: 'REQUIRED' }] });
});
