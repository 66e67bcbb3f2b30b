import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

interface Enrollment extends Json {
  id: string;
  customerId: string;
  runId: string;
  state: string;
  exitReason?: string;
}

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: WebhookTenant;

beforeEach(async () => {
  tenant = await WebhookTenant.create(platform);
});

const wait = { key: 'wait', wait: { seconds: 86_400 } };
const task = { key: 'task', addTask: { subject: "'Call ' + record.displayName" } };

/** Publishes a journey. */
async function publish(definition: Json): Promise<string> {
  const whole = { kind: 'JOURNEY', trigger: { manual: { type: 'customer' } }, steps: [wait, task], ...definition };
  const { id } = await tenant.ok<{ id: string }>('POST', '/v1/flows', {
    ...{ key: `j${crypto.randomUUID().slice(0, 8)}`, name: 'Journey', definition: whole },
  });
  await tenant.ok('POST', `/v1/flows/${id}:publish`);
  return id;
}

async function enroll(flowId: string, ...customerIds: string[]) {
  return tenant.ok<{ flowEnrollments: Enrollment[]; refused: { customerId: string; reason: string }[] }>(
    'POST',
    `/v1/flows/${flowId}:enroll`,
    { customerIds },
  );
}

/** Enrolls a customer that can enter. */
async function enter(flowId: string, customerId: string): Promise<Enrollment> {
  const { flowEnrollments } = await enroll(flowId, customerId);
  expect(flowEnrollments).toHaveLength(1);
  return flowEnrollments[0]!;
}

const enrollmentsOf = async (query: string) =>
  (await tenant.ok<{ flowEnrollments: Enrollment[] }>('GET', `/v1/flowEnrollments?${query}`)).flowEnrollments;

async function reached(id: string, expected: Json): Promise<void> {
  await expect.poll(() => tenant.ok('GET', `/v1/flowEnrollments/${id}`), { timeout: 20_000 }).toMatchObject(expected);
}

const stateOf = async (runId: string) => (await tenant.ok('GET', `/v1/flowRuns/${runId}`))['state'];

test('a customer is in a journey once, completes it, and enters again as the rule says', async () => {
  const steps = [{ key: 'soon', wait: { seconds: 1 } }];
  const never = await publish({ steps });
  const later = await publish({ steps, enrollment: { reentry: 'AFTER', reentryAfterSeconds: 3_600 } });
  const always = await publish({ steps, enrollment: { reentry: 'ALWAYS' } });
  const ada = await tenant.createCustomer('Ada');

  for (const flowId of [never, later, always]) {
    const { id, runId } = await enter(flowId, ada);
    expect((await enroll(flowId, ada)).refused).toEqual([{ customerId: ada, reason: 'ENROLLED' }]);
    await reached(id, { state: 'COMPLETED', customerId: ada, version: 1 });
    expect(await stateOf(runId)).toBe('SUCCEEDED');
  }
  for (const flowId of [never, later]) {
    expect(await enroll(flowId, ada)).toMatchObject({
      flowEnrollments: [],
      refused: [{ customerId: ada, reason: 'REENTRY' }],
    });
  }
  await enter(always, ada);
  expect(await enrollmentsOf(`flowId=${always}&customerId=${ada}`)).toHaveLength(2);
  expect(await enrollmentsOf(`flowId=${always}&states=COMPLETED`)).toHaveLength(1);
});

test('a change by which a customer meets the goal or the exit ends its run, and no other', async () => {
  const flowId = await publish({ enrollment: { goal: 'deals.status = WON', exit: 'tags:churned' } });
  const [ada, bob, cyd] = await Promise.all(['Ada', 'Bob', 'Cyd'].map((name) => tenant.createCustomer(name)));
  const { flowEnrollments } = await enroll(flowId, ada!, bob!, cyd!);
  const of = (id = '') => flowEnrollments.find(({ customerId }) => customerId === id)!;

  const stages = ['lead', 'won'].map((key) => ({ key, name: key, kind: key === 'won' ? 'WON' : 'OPEN' }));
  const { id: pipelineId } = await tenant.ok('POST', '/v1/pipelines', { name: 'Sales', stages });
  const deal = await tenant.ok('POST', '/v1/deals', { title: 'Order', pipelineId, stage: 'lead', customerId: ada });
  await tenant.ok('POST', `/v1/deals/${String(deal['id'])}:move`, { stage: 'won' });
  await tenant.updateCustomer(bob!, { tags: ['churned'] });

  await reached(of(ada).id, { state: 'EXITED', exitReason: 'GOAL' });
  await reached(of(bob).id, { state: 'EXITED', exitReason: 'EXIT_FILTER' });
  expect(await stateOf(of(ada).runId)).toBe('EXITED');
  await reached(of(cyd).id, { state: 'ACTIVE', step: 'steps/0' });
  await tenant.ok('DELETE', `/v1/customers/${cyd}`);
  await reached(of(cyd).id, { state: 'EXITED', exitReason: 'CUSTOMER_GONE' });
});

test('a step does not act for a customer that has reached the goal before', async () => {
  const ada = await tenant.createCustomer('Ada', { tags: ['vip'] });
  const flowId = await publish({ enrollment: { goal: 'tags:vip' }, steps: [task] });
  const { id } = await enter(flowId, ada);

  await reached(id, { state: 'EXITED', exitReason: 'GOAL' });
  expect((await tenant.ok<{ tasks: Json[] }>('GET', '/v1/tasks')).tasks).toEqual([]);
});

test('an enrollment goes on about the customer that its customer was merged into, which is in a flow once', async () => {
  const flowId = await publish({ steps: [{ key: 'soon', wait: { seconds: 1 } }, task] });
  const names = ['Ada', 'Bob', 'Cyd', 'Dan'];
  const [ada, bob, cyd, dan] = await Promise.all(names.map((name) => tenant.createCustomer(name)));
  const entered = await enter(flowId, ada!);
  const twins = [await enter(flowId, cyd!), await enter(flowId, dan!)];
  for (const { id } of [entered, ...twins]) await tenant.ok('POST', `/v1/flowEnrollments/${id}:pause`);
  const merge = async (survivor: string, mergedId: string) =>
    (await tenant.ok<{ merge: { id: string } }>('POST', `/v1/customers/${survivor}:merge`, { mergedId })).merge.id;
  const mergeId = await merge(bob!, ada!);
  await merge(cyd!, dan!);
  await reached(entered.id, { state: 'PAUSED', customerId: bob });
  await reached(twins[1]!.id, { state: 'EXITED', exitReason: 'CUSTOMER_GONE' });
  await tenant.ok('POST', `/v1/flowEnrollments/${entered.id}:resume`);
  await reached(entered.id, { state: 'COMPLETED', customerId: bob });

  const { tasks } = await tenant.ok<{ tasks: Json[] }>('GET', '/v1/tasks');
  expect(tasks).toMatchObject([{ subject: 'Call Bob', related: [{ type: 'customer', id: bob }] }]);
  expect(await tenant.ok('GET', `/v1/flowEnrollments/${twins[0]!.id}`)).toMatchObject({ state: 'PAUSED' });
  expect((await enroll(flowId, bob!)).refused).toEqual([{ customerId: bob, reason: 'REENTRY' }]);
  await tenant.ok('POST', `/v1/merges/${mergeId}:undo`);
  expect(await enrollmentsOf(`customerId=${bob}`)).toMatchObject([{ id: entered.id, state: 'COMPLETED' }]);
});

test('a paused enrollment does nothing until it is resumed, and one that is ended never', async () => {
  const flowId = await publish({ steps: [{ key: 'soon', wait: { seconds: 1 } }, task] });
  const [ada, bob] = [await tenant.createCustomer('Ada'), await tenant.createCustomer('Bob')];
  const [paused, ended] = [await enter(flowId, ada), await enter(flowId, bob)];
  expect(await tenant.ok('POST', `/v1/flowEnrollments/${paused.id}:pause`)).toMatchObject({ state: 'PAUSED' });
  const exited = await tenant.ok('POST', `/v1/flowEnrollments/${ended.id}:exit`);
  expect(exited).toMatchObject({ state: 'EXITED', exitReason: 'MANUAL' });
  for (const verb of ['pause', 'resume', 'exit']) {
    expect(await tenant.send('POST', `/v1/flowEnrollments/${ended.id}:${verb}`)).toMatchObject({
      ...{ status: 409, body: { code: 'FLOW_ENROLLMENT_STATE' } },
    });
  }
  // Another run that ends shows that the time has come.
  const { id } = await enter(flowId, await tenant.createCustomer('Cyd'));
  await reached(id, { state: 'COMPLETED' });
  await reached(paused.id, { state: 'PAUSED' });

  await tenant.ok('POST', `/v1/flowEnrollments/${paused.id}:resume`);
  await reached(paused.id, { state: 'COMPLETED' });
  const { tasks } = await tenant.ok<{ tasks: Json[] }>('GET', '/v1/tasks');
  expect(tasks.map(({ subject }) => subject).toSorted()).toEqual(['Call Ada', 'Call Cyd']);
});

test('a meeting with a customer ends its sequence at once, and no journey', async () => {
  const [sequence, journey] = [await publish({ kind: 'SEQUENCE' }), await publish({})];
  const ada = await tenant.createCustomer('Ada');
  const [left, stays] = [await enter(sequence, ada), await enter(journey, ada)];
  const times = { startTime: '2027-01-01T09:00:00Z', endTime: '2027-01-01T10:00:00Z' };
  await tenant.ok('POST', '/v1/meetings', { subject: 'Demo', ...times, related: [{ type: 'customer', id: ada }] });

  await reached(left.id, { state: 'EXITED', exitReason: 'MEETING' });
  await reached(stays.id, { state: 'ACTIVE' });
});

test('customers enter when they join or leave a segment, and the decision is about them', async () => {
  const segment = await tenant.ok<{ id: string }>('POST', '/v1/segments', {
    key: 'vips',
    name: 'VIPs',
    kind: 'STATIC',
  });
  const other = await tenant.ok<{ id: string }>('POST', '/v1/segments', { key: 'rest', name: 'Rest', kind: 'STATIC' });
  const of = (flags: Json) => ({ trigger: { segment: { segmentId: segment.id, ...flags } } });
  const joined = await publish({ ...of({ joined: true }), condition: "record.displayName == 'Ada'" });
  const left = await publish(of({ left: true }));
  const [ada, bob, cyd] = await Promise.all(['Ada', 'Bob', 'Cyd'].map((name) => tenant.createCustomer(name)));
  await tenant.ok('POST', `/v1/segments/${other.id}:addMembers`, { customerIds: [cyd] });
  await tenant.ok('POST', `/v1/segments/${segment.id}:addMembers`, { customerIds: [ada, bob] });
  await tenant.ok('POST', `/v1/segments/${segment.id}:removeMembers`, { customerIds: [bob] });

  const entered = async (flowId: string) => (await enrollmentsOf(`flowId=${flowId}`)).map((each) => each.customerId);
  await expect.poll(() => entered(left), { timeout: 20_000 }).toEqual([bob]);
  expect(await entered(joined)).toEqual([ada]);
  const [{ runId }] = (await enrollmentsOf(`flowId=${joined}`)) as [Enrollment];
  const run = await tenant.ok('GET', `/v1/flowRuns/${runId}`);
  expect(run).toMatchObject({ cause: { kind: 'SEGMENT' }, record: { type: 'customer', id: ada } });
  const { flowDecisions } = await tenant.ok<{ flowDecisions: Json[] }>('GET', `/v1/flowDecisions?flowId=${joined}`);
  expect(flowDecisions).toMatchObject([{ outcome: 'STARTED', runId, record: { type: 'customer', id: ada } }]);
});

test('a failed run leaves, and its retry enrolls the customer again unless it has entered meanwhile', async () => {
  const flowId = await publish({ steps: [{ key: 'fails', raise: { code: 'NO' } }], enrollment: { reentry: 'ALWAYS' } });
  const ada = await tenant.createCustomer('Ada');
  const failed = await enter(flowId, ada);
  await reached(failed.id, { state: 'EXITED', exitReason: 'FAILED' });
  await tenant.ok('POST', `/v1/flowRuns/${failed.runId}:skip`);
  await reached(failed.id, { state: 'COMPLETED' });

  const again = await enter(flowId, ada);
  await reached(again.id, { state: 'EXITED' });
  const waiting = { kind: 'JOURNEY', trigger: { manual: { type: 'customer' } }, steps: [wait] };
  await tenant.ok('PATCH', `/v1/flows/${flowId}`, {
    definition: { ...waiting, enrollment: { reentry: 'ALWAYS' } },
  });
  await tenant.ok('POST', `/v1/flows/${flowId}:publish`);
  await enter(flowId, ada);
  expect(await tenant.send('POST', `/v1/flowRuns/${again.runId}:retry`)).toMatchObject({
    ...{ status: 409, body: { code: 'RUN_SUPPRESSED' } },
  });
});

test('definitions are refused whose kind, trigger, rules and filters do not fit', async () => {
  const faults = async (definition: Json) => {
    const whole = { trigger: { manual: { type: 'customer' } }, steps: [wait], ...definition };
    const answer = await tenant.ok<{ faults?: { field: string; reason: string }[] }>(
      'POST',
      '/v1/flows:validate',
      whole,
    );
    return (answer.faults ?? []).map(({ field, reason }) => `${field} ${reason}`);
  };
  expect(await faults({ kind: 'JOURNEY', enrollment: { goal: 'deals.status = WON' } })).toEqual([]);
  expect(await faults({ kind: 'JOURNEY', enrollment: { goal: 'ownerId = me' } })).toEqual([
    '/enrollment/goal FILTER_WITHOUT_USER',
  ]);
  expect(await faults({ enrollment: { goal: 'tags:vip' } })).toEqual(['/enrollment NOT_ALLOWED']);
  expect(await faults({ kind: 'SEQUENCE', trigger: { manual: { type: 'deal' } } })).toEqual(['/trigger NOT_ALLOWED']);
  expect(await faults({ kind: 'JOURNEY', enrollment: { reentry: 'AFTER' } })).toEqual([
    '/enrollment/reentryAfterSeconds REQUIRED',
  ]);
  expect(await faults({ kind: 'JOURNEY', enrollment: { exit: 'nothing = 1' } })).toEqual([
    '/enrollment/exit FILTER_FIELD_UNKNOWN',
  ]);
  expect(await faults({ trigger: { segment: { segmentId: crypto.randomUUID() } } })).toContain(
    '/trigger/segment REQUIRED',
  );
});
