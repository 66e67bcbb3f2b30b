import { randomBytes, randomUUID } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';

type Json = Record<string, unknown>;

interface Flow extends Json {
  id: string;
  etag: string;
  state: string;
  activeVersion?: number;
}

const definition = {
  trigger: { record: { type: 'deal', operations: ['CREATE'], filter: 'status = OPEN' } },
  condition: "record.amount.amount != '0'",
  steps: [{ key: 'call', addTask: { subject: "'Call about ' + record.title", dueInSeconds: 86400 } }],
};

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: WebhookTenant;

beforeEach(async () => {
  tenant = await WebhookTenant.create(platform);
});

function create(body: Json = {}, by = tenant): Promise<Flow> {
  return by.ok<Flow>('POST', '/v1/flows', { key: 'welcome', name: 'Welcome', definition, ...body });
}

function verb(flow: Flow, name: string, headers?: Json): Promise<{ status: number; body: Json }> {
  return tenant.send('POST', `/v1/flows/${flow.id}:${name}`, {}, headers);
}

test('a flow is created, read, listed, changed and deleted, each with its etag and an audit entry', async () => {
  const created = await create();
  const path = `/v1/flows/${created.id}`;

  expect(created).toMatchObject({ key: 'welcome', state: 'DRAFT', hasUnpublishedChanges: true, definition });
  expect(await tenant.ok('GET', path)).toEqual(created);
  expect(await tenant.ok('GET', '/v1/flows?states=DRAFT')).toEqual({ flows: [created] });
  expect(await tenant.ok('GET', '/v1/flows?states=ACTIVE')).toEqual({ flows: [] });
  const changed = await tenant.ok('PATCH', path, { name: 'Hello' }, { 'if-match': created.etag });
  expect(changed).toMatchObject({ name: 'Hello', definition });
  expect(changed['etag']).not.toBe(created.etag);
  expect(await tenant.send('PATCH', path, { name: 'Late' }, { 'if-match': created.etag })).toMatchObject({
    status: 412,
  });
  expect(await tenant.send('DELETE', path, undefined, { 'if-match': created.etag })).toMatchObject({ status: 412 });
  expect((await tenant.send('DELETE', path)).status).toBe(204);
  expect(await tenant.send('GET', path)).toMatchObject({ status: 404, body: { code: 'FLOW_NOT_FOUND' } });

  const entries = await tenant.query<{ kind: string }>(
    'select kind from audit_entry where tenant_id = $1 order by number',
    [tenant.tenant.tenantId],
  );
  expect(entries.map(({ kind }) => kind)).toEqual(['FLOW_CREATED', 'FLOW_CHANGED', 'FLOW_DELETED']);
});

test('a repeated request creates one flow, and a key is taken once', async () => {
  const key = { 'idempotency-key': 'once' };
  const body = { key: 'welcome', name: 'Welcome', definition };
  const first = await tenant.ok('POST', '/v1/flows', body, key);

  expect(await tenant.ok('POST', '/v1/flows', body, key)).toEqual(first);
  expect(await tenant.send('POST', '/v1/flows', body)).toMatchObject({ status: 409, body: { code: 'FLOW_KEY_TAKEN' } });
});

test('the flows of a tenant are hidden from others', async () => {
  const flow = await create();
  const other = await WebhookTenant.create(platform);

  expect(await other.send('GET', `/v1/flows/${flow.id}`)).toMatchObject({ status: 404 });
  expect(await other.send('POST', `/v1/flows/${flow.id}:publish`, {})).toMatchObject({ status: 404 });
  expect(await other.ok('GET', '/v1/flows')).toEqual({ flows: [] });
});

test('pages of flows and of versions are complete', async () => {
  const keys = ['a', 'b', 'c'];
  for (const key of keys) await create({ key });
  const first = await tenant.ok<{ flows: Flow[]; nextPageToken: string }>('GET', '/v1/flows?pageSize=2');
  const second = await tenant.ok<{ flows: Flow[] }>('GET', `/v1/flows?pageSize=2&pageToken=${first.nextPageToken}`);

  expect([...first.flows, ...second.flows].map(({ key }) => key)).toEqual(keys.toReversed());
  expect(second).not.toHaveProperty('nextPageToken');
});

test('a published version stays as it is while the draft changes', async () => {
  const flow = await create();
  const published = (await verb(flow, 'publish')).body as Flow;
  expect(published).toMatchObject({ state: 'ACTIVE', activeVersion: 1, hasUnpublishedChanges: false });

  const draft = { ...definition, condition: 'record.probability > 10' };
  const changed = await tenant.ok<Flow>('PATCH', `/v1/flows/${flow.id}`, { definition: draft });
  expect(changed).toMatchObject({ activeVersion: 1, hasUnpublishedChanges: true });
  const first = await tenant.ok('GET', `/v1/flows/${flow.id}/versions/1`);
  expect(first).toMatchObject({ version: 1, definition, publishedBy: published['publishedBy'] });
  await verb(flow, 'publish');
  const { versions } = await tenant.ok<{ versions: Json[] }>('GET', `/v1/flows/${flow.id}/versions`);
  expect(versions.map(({ version }) => version)).toEqual([2, 1]);
  expect(versions[1]).toEqual(first);
  expect(versions[0]?.['checksum']).not.toBe(first['checksum']);
  expect(await tenant.send('GET', `/v1/flows/${flow.id}/versions/3`)).toMatchObject({
    status: 404,
    body: { code: 'FLOW_VERSION_NOT_FOUND' },
  });
});

test('publishing the same draft again makes no version', async () => {
  const flow = await create();
  const published = (await verb(flow, 'publish')).body;

  expect((await verb(flow, 'publish')).body).toEqual(published);
});

test('a flow goes through its states, and no others', async () => {
  const flow = await create();
  const states: unknown[] = [];
  for (const name of [
    'pause',
    'publish',
    'pause',
    'freeze',
    'resume',
    'freeze',
    'pause',
    'retire',
    'resume',
    'publish',
  ]) {
    const { status, body } = await verb(flow, name);
    states.push(status === 200 ? body['state'] : body['code']);
  }

  expect(states).toEqual([
    ...['FLOW_STATE_WRONG', 'ACTIVE', 'PAUSED', 'FROZEN', 'ACTIVE', 'FROZEN', 'PAUSED', 'RETIRED'],
    ...['FLOW_STATE_WRONG', 'FLOW_RETIRED'],
  ]);
  expect((await tenant.send('DELETE', `/v1/flows/${flow.id}`)).status).toBe(204);
});

test('a flow that starts runs is not deleted', async () => {
  const flow = await create();
  await verb(flow, 'publish');

  expect(await tenant.send('DELETE', `/v1/flows/${flow.id}`)).toMatchObject({
    status: 409,
    body: { code: 'FLOW_IN_USE' },
  });
});

test.each([
  ['deals.read', ['tasks.write', 'tasks.read']],
  ['tasks.write', ['deals.read', 'tasks.read']],
])('only a caller with %s, which the flow uses, publishes it', async (permission, permissions) => {
  const flow = await create();
  const key = await tenant.withKey({ permissions: ['flows.read', 'flows.publish', ...permissions] });

  expect(await key.send('POST', `/v1/flows/${flow.id}:publish`, {})).toMatchObject({
    status: 403,
    body: { code: 'PERMISSION_MISSING', metadata: { permission } },
  });
});

test('a caller from whom personal data is hidden publishes no flow that reads it', async () => {
  const flow = await create();
  const permissions = ['flows.publish', 'deals.read', 'tasks.read', 'tasks.write'];
  const key = await tenant.withKey({ permissions, hidesPii: true });

  expect(await key.send('POST', `/v1/flows/${flow.id}:publish`, {})).toMatchObject({
    status: 403,
    body: { code: 'PERSONAL_DATA_HIDDEN' },
  });
});

test('a definition is checked against the fields of the contract and of the tenant', async () => {
  await tenant.ok('POST', '/v1/customFields', {
    recordType: 'deal',
    key: 'seats',
    type: 'NUMBER',
    displayName: 'Seats',
  });
  const with_ = (condition: string) => ({ ...definition, condition });

  expect(await tenant.ok('POST', '/v1/flows:validate', with_('record.customFields.seats > 5.0'))).toEqual({
    faults: [],
  });
  expect(await tenant.ok('POST', '/v1/flows:validate', with_('record.customFields.places > 5.0'))).toMatchObject({
    faults: [{ field: '/condition', reason: 'BAD_EXPRESSION' }],
  });
  const filter = { ...definition, trigger: { record: { type: 'deal', filter: 'nothing = 1' } } };
  expect(await tenant.ok('POST', '/v1/flows:validate', filter)).toMatchObject({
    faults: [{ field: '/trigger/record/filter', reason: 'FILTER_FIELD_UNKNOWN' }],
  });
  const refused = await tenant.send('POST', '/v1/flows', { key: 'x', name: 'X', definition: with_('record.titel') });
  expect(refused).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/definition/condition', code: 'BAD_EXPRESSION' }] },
  });
});

test('a definition that names more types of records than a workspace has is refused', async () => {
  const events = (step: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({ key: `e${at}`, type: `objectRecord/o${step}_${at}`, recordId: "'x'" }));
  const naming = (steps: number) => ({
    trigger: { manual: {} },
    steps: Array.from({ length: steps }, (_, step) => ({ key: `l${step}`, listen: { events: events(step, 10) } })),
  });
  const faultsOf = async (steps: number) => {
    const { faults } = await tenant.ok<{ faults: Json[] }>('POST', '/v1/flows:validate', naming(steps));
    return faults.map(({ field, reason }) => `${String(field)} ${String(reason)}`);
  };

  expect(await faultsOf(16)).toEqual(['/steps TOO_MANY_ITEMS']);
  expect(new Set(await faultsOf(15))).toEqual(new Set([' RECORD_TYPE_UNKNOWN']));
});

test('what a flow names exists when it is published', async () => {
  const steps = [
    { key: 'send', http: { url: "'https://erp.example/'", secretName: 'erp' } },
    { key: 'next', run: { flow: 'other' } },
  ];
  const flow = await create({ definition: { trigger: { webhook: { secretName: 'partner' } }, steps } });

  const refused = await verb(flow, 'publish');
  expect(refused.status).toBe(400);
  expect((refused.body['errors'] as Json[]).map(({ code, detail }) => `${String(code)} ${String(detail)}`)).toEqual([
    expect.stringMatching(/^FLOW_SECRET_NOT_FOUND .*partner/),
    expect.stringMatching(/^FLOW_SECRET_NOT_FOUND .*erp/),
    expect.stringMatching(/^FLOW_NOT_FOUND /),
  ]);
  await tenant.ok('PUT', '/v1/flowSecrets/erp', { value: 'token' });
  await tenant.ok('PUT', '/v1/flowSecrets/partner', { value: 'whsec_' });
  await create({ key: 'other', definition: { trigger: { subflow: {} }, steps: [steps[0]] } });
  expect((await verb(flow, 'publish')).body).toMatchObject({
    errors: [{ code: 'BAD_FORMAT', pointer: expect.stringMatching(/secretName$/) as string }],
  });
  await tenant.ok('PUT', '/v1/flowSecrets/partner', { value: `whsec_${randomBytes(24).toString('base64')}` });
  expect((await verb(flow, 'publish')).status).toBe(200);
});

test('the approvers that a flow names are users of the workspace when it is published', async () => {
  const asks = (approverIds: string[]) => ({
    trigger: { manual: {} },
    steps: [{ key: 'group', do: { steps: [{ key: 'ask', approve: { question: "'Agreed?'", approverIds } }] } }],
  });
  const newUser = async (by: WebhookTenant) => {
    const email = `${randomUUID()}@example.com`;
    return (await by.ok<{ id: string }>('POST', '/v1/users', { email, displayName: 'Ada', roleIds: ['member'] })).id;
  };
  const [own, stranger] = [await newUser(tenant), await newUser(await WebhookTenant.create(platform))];
  const flow = await create({ definition: asks([own, stranger, randomUUID()]) });

  const refused = await verb(flow, 'publish');
  expect(refused.status).toBe(400);
  expect((refused.body['errors'] as Json[]).map(({ code, pointer }) => `${String(code)} ${String(pointer)}`)).toEqual([
    expect.stringMatching(/^USER_NOT_FOUND .*approverIds\/1$/),
    expect.stringMatching(/^USER_NOT_FOUND .*approverIds\/2$/),
  ]);
  await tenant.ok('PATCH', `/v1/flows/${flow.id}`, { definition: asks([own]) });
  expect((await verb(flow, 'publish')).status).toBe(200);
});

test('secrets are listed without their values, which the database has sealed', async () => {
  await tenant.ok('PUT', '/v1/flowSecrets/erp', { value: 'first token' });
  const set = await tenant.ok('PUT', '/v1/flowSecrets/erp', { value: 'second token' });

  expect(Object.keys(set).toSorted()).toEqual(['name', 'updateTime', 'updatedBy']);
  expect(await tenant.ok('GET', '/v1/flowSecrets')).toEqual({ flowSecrets: [set] });
  const [row] = await tenant.query<{ found: boolean }>(
    'select position($2::bytea in sealed_value) > 0 as found from flow_secret where tenant_id = $1',
    [tenant.tenant.tenantId, Buffer.from('second token')],
  );
  expect(row).toEqual({ found: false });
  expect((await tenant.send('DELETE', '/v1/flowSecrets/erp')).status).toBe(204);
  expect(await tenant.send('DELETE', '/v1/flowSecrets/erp')).toMatchObject({
    status: 404,
    body: { code: 'FLOW_SECRET_NOT_FOUND' },
  });
});

test('a flow is exported as a document of the Serverless Workflow DSL, and imported as a draft', async () => {
  const steps = [
    { key: 'call', condition: 'record.title != ""', addTask: { subject: "'Call'" } },
    { key: 'next', switch: { cases: [{ condition: 'true', steps: [{ key: 'rest', wait: { seconds: 5 } }] }] } },
  ];
  const flow = await create({ description: 'Why', definition: { trigger: { record: { type: 'deal' } }, steps } });
  const document = await tenant.ok('GET', `/v1/flows/${flow.id}:export`);
  expect(document).toMatchObject({
    document: { dsl: '1.0.0', namespace: 'rapport', metadata: { rapport: { key: flow.key } } },
    do: [{ call: { if: '${ record.title != "" }', call: 'rapport.addTask' } }, { next: { do: [{}, {}] } }],
  });

  const key = `imported_${randomBytes(4).toString('hex')}`;
  const imported = await tenant.ok('POST', `/v1/flows:import?key=${key}`, document);
  const { name, description, definition } = flow as Json;
  expect(imported).toMatchObject({ key, name, description, definition, state: 'DRAFT' });
  const refusal = async (sent: Json) => {
    const { status, body } = await tenant.send('POST', `/v1/flows:import?key=${key}`, sent);
    return {
      status,
      errors: (body['errors'] as Json[] | undefined)?.map(
        (each) => `${String(each['pointer'])} ${String(each['code'])}`,
      ),
    };
  };
  expect(await refusal(document)).toMatchObject({ status: 409 });
  const wait = { document: (document as { document: Json }).document, evaluate: { language: 'cel' } };
  for (const [task, ...errors] of [
    [{ emit: {} }, '/do/0/one NOT_ALLOWED'],
    [
      { call: 'rapport.addTask', with: { subject: 'record.nothing' } },
      '/flow/definition/steps/0/addTask/subject BAD_EXPRESSION',
    ],
    [{ wait: { seconds: 0 } }, '/flow/definition/steps/0/wait/seconds TOO_SMALL'],
  ] as const) {
    expect(await refusal({ ...wait, do: [{ one: task }] })).toEqual({ status: 400, errors });
  }
});

test('a run stops between two steps while its flow is frozen, and goes on when it is resumed', async () => {
  const steps = [
    { key: 'pause', wait: { seconds: 1 } },
    { key: 'end', raise: { code: 'END' } },
  ];
  const flow = await create({ definition: { trigger: { manual: {} }, steps } });
  await verb(flow, 'publish');
  const run = await tenant.ok<{ id: string }>('POST', `/v1/flows/${flow.id}:run`, {});
  await verb(flow, 'freeze');
  const job = 'select is_frozen as "isFrozen" from flow_job where tenant_id = $1 and flow_id = $2';
  await until(async () => {
    const [found] = await tenant.query<{ isFrozen: boolean }>(job, [tenant.tenant.tenantId, flow.id]);
    return found?.isFrozen === true;
  });

  await verb(flow, 'resume');

  await until(async () => (await tenant.ok('GET', `/v1/flowRuns/${run.id}`))['state'] === 'FAILED');
});
