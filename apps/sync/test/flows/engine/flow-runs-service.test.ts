import { createHmac, randomBytes } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../../sync-platform.ts';

type Json = Record<string, unknown>;

let tenant: WebhookTenant;

beforeAll(async () => {
  tenant = await WebhookTenant.create(await sharedPlatform(inject('platformUrl')));
});

/** Publishes a flow. */
async function publish(key: string, definition: Json): Promise<string> {
  const { id } = await tenant.ok<{ id: string }>('POST', '/v1/flows', { key, name: key, definition });
  await tenant.ok('POST', `/v1/flows/${id}:publish`);
  return id;
}

async function reached(id: string, state: string): Promise<Json> {
  const run = () => tenant.ok('GET', `/v1/flowRuns/${id}`);
  await expect.poll(run, { timeout: 20_000 }).toMatchObject({ state });
  return run();
}

async function start(flowId: string, run: Json = {}): Promise<string> {
  return (await tenant.ok<{ id: string }>('POST', `/v1/flows/${flowId}:run`, run)).id;
}

const paths = (steps: unknown) => (steps as Json[]).map(({ path, state }) => `${String(path)} ${String(state)}`);

test('a run by a call acts on its record, and its history shows inputs and outputs', async () => {
  const flowId = await publish('call_task', {
    trigger: { manual: { type: 'customer', inputs: [{ key: 'reason', type: 'TEXT', required: true }] } },
    steps: [
      { key: 'greet', set: { variables: [{ name: 'text', value: "input.reason + ' ' + record.displayName" }] } },
      { key: 'task', addTask: { subject: 'vars.text' } },
    ],
  });
  const recordId = await tenant.createCustomer('Ada');

  const missing = await tenant.send('POST', `/v1/flows/${flowId}:run`, { recordId });
  expect(missing).toMatchObject({ status: 400, body: { detail: 'input.reason: is required' } });
  const id = await start(flowId, { recordId, input: { reason: 'Call' } });

  expect(await reached(id, 'SUCCEEDED')).toMatchObject({
    ...{ flowId, version: 1, cause: { kind: 'MANUAL' }, record: { type: 'customer', id: recordId } },
    ...{ input: { reason: 'Call' }, variables: { text: 'Call Ada' }, stepCount: 2 },
  });
  const { steps } = await tenant.ok('GET', `/v1/flowRuns/${id}/steps`);
  expect(paths(steps)).toEqual(['steps/0 SUCCEEDED', 'steps/1 SUCCEEDED']);
  expect((steps as Json[])[1]).toMatchObject({ kind: 'addTask', output: { subject: 'Call Ada' } });
  const { flowRuns } = await tenant.ok('GET', `/v1/flowRuns?recordId=${recordId}&states=SUCCEEDED`);
  expect((flowRuns as Json[]).map((run) => run['id'])).toEqual([id]);
});

test('a failed run is retried and skipped, a waiting one receives a signal or is cancelled', async () => {
  const flowId = await publish('signals', {
    trigger: { manual: { inputs: [{ key: 'order', type: 'TEXT' }] } },
    steps: [
      { key: 'fails', raise: { code: 'NO_OWNER' } },
      { key: 'heard', listen: { events: [{ key: 'paid', signal: 'paid', correlation: 'input.order' }] } },
    ],
  });
  const [first, second] = [
    await start(flowId, { input: { order: 'A1' } }),
    await start(flowId, { input: { order: 'B2' } }),
  ];
  const failed = { waitingFor: 'steps/0', problem: { code: 'NO_OWNER', step: 'steps/0' } };
  expect(await reached(first, 'FAILED')).toMatchObject(failed);
  await reached(second, 'FAILED');
  const attempts = async () => (await tenant.ok('GET', `/v1/flowRuns/${first}/steps`))['steps'] as Json[];
  const [ended] = await attempts();

  await tenant.ok('POST', `/v1/flowRuns/${first}:retry`);
  await expect.poll(async () => (await attempts()).map(({ state }) => state)).toEqual(['FAILED', 'FAILED']);
  expect((await attempts())[0]).toEqual(ended);
  expect(await reached(first, 'FAILED')).toMatchObject(failed);
  // Before the step: the run has failed, and hears it all the same.
  const signal = await tenant.ok('POST', '/v1/flowSignals', { name: 'paid', correlation: 'A1', data: { sum: 3 } });
  expect(signal).toMatchObject({ name: 'paid', correlation: 'A1' });
  for (const id of [first, second]) await tenant.ok('POST', `/v1/flowRuns/${id}:skip`);

  await reached(first, 'SUCCEEDED');
  const { steps } = await tenant.ok('GET', `/v1/flowRuns/${first}/steps`);
  expect((steps as Json[]).at(-1)).toMatchObject({ key: 'heard', output: { event: 'paid', data: { sum: 3 } } });
  await reached(second, 'WAITING');
  expect(await tenant.send('POST', `/v1/flowRuns/${second}:decide`, { happened: true })).toMatchObject({
    body: { code: 'FLOW_RUN_NOT_UNCERTAIN' },
  });
  expect(await tenant.ok('POST', `/v1/flowRuns/${second}:cancel`)).toMatchObject({ state: 'CANCELLED' });
  expect(await tenant.send('POST', `/v1/flowRuns/${second}:cancel`)).toMatchObject({
    body: { code: 'FLOW_RUN_ENDED' },
  });
});

test('an approval notifies its approver, until its run is cancelled', async () => {
  const [key] = await tenant.query<{ id: string }>(
    'select id from api_key where tenant_id = $1',
    [tenant.tenant.tenantId],
    'auth',
  );
  const steps = [{ key: 'ask', approve: { question: "'Agreed?'", approverIds: [key?.id] } }];
  const id = await start(await publish('agreed', { trigger: { manual: {} }, steps }));
  const notified = async (unread: boolean) => {
    const path = `/v1/notifications?kinds=APPROVAL_REQUESTED&unread=${unread}`;
    const { notifications = [] } = await tenant.ok<{ notifications?: Json[] }>('GET', path);
    return notifications.map(({ recordType, recordId, actor }) => ({ recordType, recordId, actor }));
  };
  await reached(id, 'WAITING');
  const { approvals } = await tenant.ok<{ approvals: Json[] }>('GET', '/v1/approvals');
  const expected = [{ recordType: 'approval', recordId: approvals[0]?.['id'], actor: `apiKey:${key?.id}` }];
  await expect.poll(() => notified(true), { timeout: 20_000 }).toEqual(expected);

  await tenant.ok('POST', `/v1/flowRuns/${id}:cancel`);
  await expect.poll(() => notified(false), { timeout: 20_000 }).toEqual(expected);
});

test('a call with the token of a flow starts a run, once for each key, until the token is replaced', async () => {
  const id = await publish('hooked', {
    trigger: { webhook: {} },
    condition: 'input.body.amount > 1.0',
    steps: [{ key: 'keep', set: { variables: [{ name: 'payer', value: 'input.body.lines[0].payer' }] } }],
  });
  const rotate = async () => (await tenant.ok<{ token: string }>('POST', `/v1/flows/${id}:rotateHook`)).token;
  const call = async (token: string, body: string, headers: Record<string, string> = {}) => {
    const url = `${tenant.platform.edgeUrl}/v1/flowHooks/${token}`;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    const { requestId: _, instance: __, ...rest } = (await answer.json()) as Json;
    return { status: answer.status, body: rest as { runId?: string; reason?: string; code?: string } };
  };
  const paid = JSON.stringify({ amount: 7, lines: [{ payer: 'Ada' }] });
  const token = await rotate();

  const first = await call(token, paid, { 'idempotency-key': 'a' });
  expect(first.status).toBe(202);
  const run = await reached(first.body.runId ?? '', 'SUCCEEDED');
  expect(run).toMatchObject({
    cause: { kind: 'WEBHOOK' },
    variables: { payer: 'Ada' },
    input: { body: { amount: 7 } },
  });
  const again = await Promise.all([1, 2, 3].map(() => call(token, paid, { 'idempotency-key': 'a' })));
  expect(again.map(({ body }) => body)).toEqual([first.body, first.body, first.body]);
  const twins = await Promise.all([1, 2, 3].map(() => call(token, paid, { 'idempotency-key': 'b' })));
  expect(new Set(twins.map(({ body }) => body.runId)).size).toBe(1);
  expect((await call(token, paid)).body.runId).not.toBe((await call(token, paid)).body.runId);

  expect(await call(token, '{"amount":0}')).toEqual({ status: 202, body: { reason: 'CONDITION' } });
  expect(await call(token, paid, { 'rapport-hop': '8' })).toEqual({ status: 202, body: { reason: 'HOP_LIMIT' } });
  for (const [body, reason] of [
    ['{', 'JSON_INVALID'],
    ['['.repeat(21) + ']'.repeat(21), 'TOO_DEEP'],
  ] as const) {
    const refused = await call(token, body);
    expect(refused).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', errors: [{ code: reason }] } });
  }
  expect((await call(token, JSON.stringify('x'.repeat(70_000)))).status).toBe(413);

  const next = await rotate();
  const [replaced, unknown] = [await call(token, paid), await call('unknown', paid)];
  expect(replaced).toMatchObject({ status: 401, body: { code: 'FLOW_HOOK_NOT_PROVEN' } });
  expect(unknown).toEqual(replaced);
  await tenant.ok('POST', `/v1/flows/${id}:pause`);
  expect(await call(next, paid)).toEqual({ status: 202, body: { reason: 'PAUSED' } });
  await tenant.ok('POST', `/v1/flows/${id}:retire`);
  expect((await call(next, paid)).status).toBe(401);
});

test('a call whose values would hold up the process in an expression fails its run', async () => {
  const search = "input.body.list.exists(each, input.body.text.contains('b'))";
  const keep = { key: 'keep', set: { variables: [{ name: 'found', value: search }] } };
  const id = await publish('long_search', { trigger: { webhook: {} }, steps: [keep] });
  const { token } = await tenant.ok<{ token: string }>('POST', `/v1/flows/${id}:rotateHook`);
  const call = (items: number) =>
    tenant.ok<{ runId: string }>('POST', `/v1/flowHooks/${token}`, {
      list: Array.from({ length: items }, () => 0),
      text: 'a'.repeat(30_000),
    });

  const small = await call(100);
  const large = await call(16_000);

  expect(await reached(small.runId, 'SUCCEEDED')).toMatchObject({ variables: { found: false } });
  expect(await reached(large.runId, 'FAILED')).toMatchObject({
    problem: { code: 'EXPRESSION_FAILED', message: 'It would take too long with values of this size.' },
  });
});

test('a flow with a secret is started by calls that are signed with it, once for each webhook-id', async () => {
  const value = `whsec_${randomBytes(32).toString('base64')}`;
  await tenant.ok('PUT', '/v1/flowSecrets/partner', { value });
  const keep = { key: 'keep', set: { variables: [{ name: 'amount', value: 'input.body.amount' }] } };
  const id = await publish('signed', { trigger: { webhook: { secretName: 'partner' } }, steps: [keep] });
  const { token } = await tenant.ok<{ token: string }>('POST', `/v1/flows/${id}:rotateHook`);
  const body = '{"amount":7}';
  const call = async (headers: Record<string, string>) => {
    const url = `${tenant.platform.edgeUrl}/v1/flowHooks/${token}`;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: answer.status, ...((await answer.json()) as { runId?: string; code?: string }) };
  };
  const signed = (webhookId: string, secret = value, seconds = Math.floor(Date.now() / 1_000)) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const signature = createHmac('sha256', key).update(`${webhookId}.${seconds}.${body}`).digest('base64');
    return { 'webhook-id': webhookId, 'webhook-timestamp': `${seconds}`, 'webhook-signature': `v1,${signature}` };
  };

  const first = await call(signed('one'));
  expect(first.status).toBe(202);
  await reached(first.runId ?? '', 'SUCCEEDED');
  expect((await call({ ...signed('one'), 'idempotency-key': 'other' })).runId).toBe(first.runId);
  expect((await call(signed('two'))).runId).not.toBe(first.runId);
  const now = Math.floor(Date.now() / 1_000);
  const refused = [
    {},
    { ...signed('three'), 'webhook-id': 'four' },
    signed('three', `whsec_${randomBytes(32).toString('base64')}`),
    signed('three', value, now - 600),
  ];
  for (const headers of refused) {
    expect(await call(headers)).toMatchObject({ status: 401, code: 'FLOW_HOOK_NOT_PROVEN' });
  }
  // A secret that no sender can sign with proves nothing, and neither does one that is gone.
  await tenant.ok('PUT', '/v1/flowSecrets/partner', { value: 'plain' });
  expect((await call(signed('three', 'whsec_'))).status).toBe(401);
  await tenant.ok('DELETE', '/v1/flowSecrets/partner');
  expect((await call(signed('three'))).status).toBe(401);
});

test('a waiting run moves to a version that has the step at which it waits', async () => {
  const wait = { key: 'wait', wait: { seconds: 86_400 } };
  const flowId = await publish('moved', { trigger: { manual: {} }, steps: [wait] });
  const id = await start(flowId);
  await reached(id, 'WAITING');
  const set = { key: 'set', set: { variables: [{ name: 'x', value: '1' }] } };
  const definition = { trigger: { manual: {} }, steps: [set, { ...wait, key: 'pause' }] };
  await tenant.ok('PATCH', `/v1/flows/${flowId}`, { definition });
  await tenant.ok('POST', `/v1/flows/${flowId}:publish`);
  const move = { fromVersion: 1, toVersion: 2 };

  // As many jobs of other versions as a call moves runs.
  await tenant.query(
    `insert into flow_job (run_id, tenant_id, flow_id, due_time)
     select ('00000000-0000-7000-8000-' || lpad(place::text, 12, '0'))::uuid, $1, $2, 'infinity' from generate_series(1, 5000) as place`,
    [tenant.tenant.tenantId, flowId],
  );
  // A call in progress, such as one that sends a signal, has locked the run.
  const other = await tenant.connect();
  await other.query('begin');
  await other.query('select from flow_job where run_id = $1 for update', [id]);
  const keeping = tenant.ok('POST', `/v1/flows/${flowId}:migrateRuns`, move);
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%flow_job%' and datname = current_database()`;
  const isWaiting = async () => (await tenant.query(waiting)).length > 0;
  const seen = expect.poll(isWaiting).toBe(true);
  expect(await Promise.race([seen.then(() => 'waits'), keeping])).toBe('waits');
  await other.query('commit');
  await other.end();
  const kept = await keeping;
  await tenant.query('delete from flow_job where flow_id = $1 and due_time = $2', [flowId, 'infinity']);
  expect(kept).toMatchObject({ moved: 0, kept: 1, reasons: [{ code: 'STEP_NOT_FOUND', step: id }] });
  const stepKeys = [{ from: 'wait', to: 'pause' }];
  expect(await tenant.ok('POST', `/v1/flows/${flowId}:migrateRuns`, { ...move, stepKeys })).toMatchObject({ moved: 1 });

  expect(await tenant.ok('GET', `/v1/flowRuns/${id}`)).toMatchObject({ version: 2, waitingFor: 'steps/1' });
  await tenant.ok('POST', `/v1/flowRuns/${id}:skip`);
  await reached(id, 'SUCCEEDED');
});

test('steps whose keys are swapped keep their own events when a run moves, and two do not become one', async () => {
  const listen = (key: string, signal: string) => ({
    key,
    listen: { events: [{ key: 'came', signal, correlation: "'order'" }] },
  });
  const definitionOf = (...keys: string[]) => {
    const branches = keys.map((key, index) => ({
      key: `branch${index}`,
      steps: [listen(key, index === 0 ? 'paid' : 'packed')],
    }));
    const end = { key: 'end', wait: { seconds: 86_400 } };
    return { trigger: { manual: {} }, steps: [{ key: 'both', fork: { branches } }, end] };
  };
  const flowId = await publish('swapped', definitionOf('one', 'two'));
  const id = await start(flowId);
  await reached(id, 'WAITING');
  await tenant.ok('PATCH', `/v1/flows/${flowId}`, { definition: definitionOf('two', 'one') });
  await tenant.ok('POST', `/v1/flows/${flowId}:publish`);
  const move = (...stepKeys: Json[]) =>
    tenant.send('POST', `/v1/flows/${flowId}:migrateRuns`, { fromVersion: 1, toVersion: 2, stepKeys });

  for (const stepKeys of [
    [{ from: 'one', to: 'two' }],
    [
      { from: 'one', to: 'last' },
      { from: 'two', to: 'last' },
    ],
    [
      { from: 'one', to: 'two' },
      { from: 'one', to: 'last' },
    ],
  ]) {
    const { status, body } = await move(...stepKeys);
    expect([status, (body['errors'] as Json[])[0]?.['code']]).toEqual([400, 'DUPLICATE']);
  }
  const swap = [
    { from: 'one', to: 'two' },
    { from: 'two', to: 'one' },
  ];
  expect(await move(...swap)).toMatchObject({ status: 200, body: { moved: 1, kept: 0 } });

  await tenant.ok('POST', '/v1/flowSignals', { name: 'packed', correlation: 'order' });
  const ended = async () => paths((await tenant.ok('GET', `/v1/flowRuns/${id}/steps`))['steps']);
  await expect.poll(ended, { timeout: 20_000 }).toContain('steps/0/fork/branches/1/steps/0 SUCCEEDED');
  expect(await ended()).not.toContain('steps/0/fork/branches/0/steps/0 SUCCEEDED');
  await tenant.ok('POST', '/v1/flowSignals', { name: 'paid', correlation: 'order' });
  await expect
    .poll(() => tenant.ok('GET', `/v1/flowRuns/${id}`), { timeout: 20_000 })
    .toMatchObject({
      waitingFor: 'steps/1',
    });
});
