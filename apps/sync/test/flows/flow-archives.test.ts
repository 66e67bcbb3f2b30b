import { randomBytes, randomUUID } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';
import { flowOfEachStep } from './flow-of-each-step.ts';

type Json = Record<string, unknown>;

interface Line {
  flow: { key: string; name: string; description?: string; definition: Json };
  state: string;
  version?: number;
}

interface Imported {
  flows: { flowId: string; key: string; outcome: string; faults?: Json[] }[];
}

const wait = { key: 'wait', wait: { seconds: 60 } };
const manual = { trigger: { manual: {} }, steps: [wait] };

const platform = await sharedPlatform(inject('platformUrl'));
let source: WebhookTenant;
let target: WebhookTenant;
let file: string;

beforeAll(async () => {
  [source, target] = await Promise.all([WebhookTenant.create(platform), WebhookTenant.create(platform)]);
  await fill(source);
  file = await source.text('/v1/flows:exportAll');
});

/** Flows in each state, of each template and with each kind of step. */
async function fill(tenant: WebhookTenant): Promise<void> {
  const create = (key: string, definition: Json) =>
    tenant.ok<{ id: string }>('POST', '/v1/flows', { key, name: `Flow ${key}`, definition });
  const { templates } = await tenant.ok<{ templates: { key: string; definition: Json }[] }>('GET', '/v1/flowTemplates');
  expect(templates.length).toBeGreaterThanOrEqual(10);
  // Each one can be saved, apart from ids of the workspace.
  for (const { key, definition } of templates) await create(key, definition);
  const each = JSON.stringify(lineOf('each_step', flowOfEachStep, { description: 'Why' }));
  expect(await importInto(tenant, each)).toMatchObject({ status: 200 });
  await create('child', { trigger: { subflow: {} }, steps: [wait] });
  const { id } = await create('running', manual);
  await tenant.ok('POST', `/v1/flows/${id}:publish`, {});
  await tenant.ok('PATCH', `/v1/flows/${id}`, { definition: { ...manual, condition: 'false' } });
}

function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function importInto(by: WebhookTenant, body: string | Buffer, headers: Record<string, string> = {}) {
  const answer = await fetch(`${platform.edgeUrl}/v1/flows:importAll`, {
    method: 'POST',
    headers: { authorization: `Bearer ${by.apiKey}`, 'content-type': 'application/x-ndjson', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return { status: answer.status, body: (await answer.json()) as Json };
}

const lineOf = (key: string, definition: Json, more: Json = {}) => ({ flow: { key, name: 'X', definition, ...more } });

test('a file has the active version of each flow, or its draft, in the order of keys', () => {
  const lines = linesOf(file);

  expect(lines.map(({ flow }) => flow.key)).toEqual(lines.map(({ flow }) => flow.key).toSorted());
  expect(lines).toHaveLength(13);
  expect(lines.find(({ flow }) => flow.key === 'running')).toMatchObject({
    flow: { key: 'running', name: 'Flow running', definition: manual },
    ...{ state: 'ACTIVE', version: 1 },
  });
  expect(lines.find(({ flow }) => flow.key === 'running')?.flow.definition).not.toHaveProperty('condition');
  expect(lines.find(({ flow }) => flow.key === 'each_step')).toMatchObject({
    flow: { key: 'each_step', name: 'X', description: 'Why', definition: flowOfEachStep },
    state: 'DRAFT',
  });
});

test('an import has equal definitions as drafts, and repeated it changes nothing', async () => {
  const copy = await WebhookTenant.create(platform);
  const once = { 'idempotency-key': 'once' };
  const first = await importInto(copy, file, once);
  expect(first.status, JSON.stringify(first.body)).toBe(200);
  const { flows } = first.body as unknown as Imported;
  expect(flows.map(({ outcome }) => outcome)).toEqual(flows.map(() => 'CREATED'));

  const exported = await copy.text('/v1/flows:exportAll');
  expect(linesOf(exported)).toEqual(linesOf(file).map(({ flow }) => ({ flow, state: 'DRAFT' })));
  expect(await importInto(copy, file, once)).toEqual(first);
  const again = await importInto(copy, file);
  expect(again.body).toEqual({ flows: flows.map(({ flowId, key }) => ({ flowId, key, outcome: 'KEPT', faults: [] })) });
  expect(await copy.text('/v1/flows:exportAll')).toBe(exported);
  const entries = await copy.query<{ kind: string }>('select distinct kind from audit_entry where tenant_id = $1', [
    copy.tenant.tenantId,
  ]);
  expect(entries).toEqual([{ kind: 'FLOW_CREATED' }]);
});

test('a flow that an import leaves as it is, is not checked again', async () => {
  const copy = await WebhookTenant.create(platform);
  const trigger = { segment: { segmentId: randomUUID(), joined: true } };
  const line = JSON.stringify(lineOf('segment', { trigger, steps: [wait] }));
  const first = (await importInto(copy, line)).body as unknown as Imported;
  const { flowId } = first.flows[0]!;
  const writing = await copy.withKey({ permissions: ['flows.write'] });

  const again = await importInto(writing, line);

  const kept = { flowId, key: 'segment', outcome: 'KEPT', faults: [] };
  expect(again).toEqual({ status: 200, body: { flows: [kept] } });
  const free = JSON.stringify(lineOf('other', { trigger, steps: [wait] }));
  expect(await importInto(writing, `${line}\n${free}`)).toMatchObject({ status: 403 });
});

test('what a workspace does not have is listed, and the draft is imported', async () => {
  const copy = await WebhookTenant.create(platform);
  const [mappingId, segmentId] = [randomUUID(), randomUUID()];
  const steps = [
    { key: 'exchange', connector: { mappingId } },
    { key: 'send', http: { url: "'https://erp.example/'", secretName: 'erp' } },
    { key: 'next', run: { flow: 'after' } },
    { key: 'other', run: { flow: 'nowhere' } },
  ];
  const deal = { record: { type: 'deal' } };
  const own = { record: { type: 'objectRecord/contract' } };
  const sent = [
    lineOf('before', { trigger: deal, steps }),
    lineOf('fields', { trigger: deal, condition: 'record.customFields.seats > 5.0', steps: [wait] }),
    lineOf('filter', { trigger: { record: { type: 'deal', filter: 'customFields.seats > 5' } }, steps: [wait] }),
    lineOf('object', { trigger: own, steps: [wait] }),
    lineOf('segment', { trigger: { segment: { segmentId, joined: true } }, steps: [wait] }),
    lineOf('after', { trigger: { subflow: {} }, steps: [wait] }),
  ];

  const { status, body } = await importInto(copy, sent.map((line) => JSON.stringify(line)).join('\n'));

  expect(status, JSON.stringify(body)).toBe(200);
  const { flows } = body as unknown as Imported;
  const reasons = flows.map(({ key, faults = [] }) => [key, ...faults.map(({ reason }) => reason)]);
  expect(reasons).toEqual([
    ['before', 'MAPPING_UNKNOWN', 'FLOW_SECRET_NOT_FOUND', 'FLOW_NOT_FOUND'],
    ['fields', 'BAD_EXPRESSION'],
    ['filter', 'FILTER_FIELD_UNKNOWN'],
    ['object', 'RECORD_TYPE_UNKNOWN'],
    ['segment', 'SEGMENT_UNKNOWN'],
    ['after'],
  ]);
  expect(flows[0]?.faults?.at(-1)).toMatchObject({
    field: '/steps',
    description: expect.stringMatching('nowhere') as string,
  });
  const [, fields] = flows;
  expect(await copy.send('POST', `/v1/flows/${fields?.flowId}:publish`, {})).toMatchObject({ status: 400 });
  await copy.ok('POST', '/v1/customFields', { recordType: 'deal', key: 'seats', type: 'NUMBER', displayName: 'Seats' });
  expect(await copy.ok('POST', `/v1/flows/${fields?.flowId}:publish`, {})).toMatchObject({ state: 'ACTIVE' });
});

test('flows of a tenant are exported by callers that read flows, and imported by those that write them', async () => {
  const [reading, writing] = await Promise.all(
    ['flows.read', 'flows.write'].map((permission) => target.withKey({ permissions: [permission] })),
  );
  const missing = (permission: string) => ({
    status: 403,
    body: { code: 'PERMISSION_MISSING', metadata: { permission } },
  });

  expect(await importInto(reading!, file)).toMatchObject(missing('flows.write'));
  expect(await writing!.send('GET', '/v1/flows:exportAll')).toMatchObject(missing('flows.read'));
  expect(await reading!.text('/v1/flows:exportAll')).toBe('');
});

test('a file that is refused creates nothing, and the answer names the place', async () => {
  const good = file.slice(0, file.indexOf('\n') + 1);
  for (const [body, ...errors] of [
    [file.slice(0, -20), '/lines/12 JSON_INVALID'],
    [
      Buffer.concat([Buffer.from(`${good}x`), randomBytes(500)].map((each) => new Uint8Array(each))),
      '/lines/1 JSON_INVALID',
    ],
    [
      `${good}${JSON.stringify(lineOf('x', { ...manual, steps: [{ key: 'a', launch: {} }] }))}`,
      '/lines/1/flow/definition/steps/0/launch UNKNOWN_FIELD',
    ],
  ] as const) {
    const { status, body: problem } = await importInto(target, body);
    expect({ status, code: problem['code'] }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    const found = (problem['errors'] as Json[]).map(({ pointer, code }) => `${String(pointer)} ${String(code)}`);
    expect(found).toEqual(expect.arrayContaining(errors));
  }
  expect(await importInto(target, Buffer.alloc(6 * 1024 * 1024 + 1, 'x'))).toMatchObject({ status: 413 });
  expect(await target.text('/v1/flows:exportAll')).toBe('');
});

test('a workspace has no more than 200 flows, and an import beyond creates none', async () => {
  const lines = (...keys: string[]) => keys.map((key) => JSON.stringify(lineOf(key, manual))).join('\n');
  expect(await importInto(target, lines('k1'))).toMatchObject({ status: 200 });
  await target.query(
    `insert into flow (tenant_id, id, key, name, state, definition, checksum, version, create_time, update_time,
       created_by, updated_by)
     select tenant_id, gen_random_uuid(), 'k' || number, name, state, definition, checksum, 1, create_time, update_time,
       created_by, updated_by
     from flow cross join generate_series(2, 199) number where tenant_id = $1`,
    [target.tenant.tenantId],
  );

  const refused = await importInto(target, lines('k199', 'k200', 'k201'));
  expect(refused).toMatchObject({ status: 429, body: { code: 'FLOW_LIMIT' } });

  expect(linesOf(await target.text('/v1/flows:exportAll'))).toHaveLength(199);
});
