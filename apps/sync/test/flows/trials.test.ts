import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

interface Report extends Json {
  changes: number;
  started: number;
  suppressed: number;
  notMatched: number;
  trials: { steps: { key: string; output?: Json }[]; state: string; problem?: Json }[];
  isComplete: boolean;
}

let tenant: WebhookTenant;
let pipelineId: string;
let listener: Server;
let packets = 0;

beforeAll(async () => {
  tenant = await WebhookTenant.create(await sharedPlatform(inject('platformUrl')));
  const stages = ['lead', 'proposal'].map((key) => ({ key, name: key, kind: 'OPEN' }));
  pipelineId = (await tenant.ok<{ id: string }>('POST', '/v1/pipelines', { name: 'Sales', stages })).id;
  listener = createServer((socket) => {
    packets += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterAll(() => listener.close());

/** A flow whose draft is stored as the service of flows does. */
async function newFlow(definition: Json): Promise<string> {
  const id = randomUUID();
  await tenant.query(
    `insert into flow (tenant_id, id, key, name, state, definition, checksum, version, create_time, update_time, created_by,
      updated_by) values ($1, $2, $3, 'Flow', 'DRAFT', $4, '', 1, now(), now(), 'user:a', 'user:a')`,
    [tenant.tenant.tenantId, id, `f${id.replaceAll('-', '')}`, JSON.stringify(definition)],
  );
  return id;
}

function newDeal(more: Json = {}): Promise<Json & { id: string }> {
  return tenant.ok('POST', '/v1/deals', { title: 'Renewal', pipelineId, stage: 'lead', ...more });
}

/** All rows of the tenant with the transactions that wrote them, once nothing works on them any more. */
async function rowsAtRest(): Promise<unknown> {
  let last = await rows();
  await expect
    .poll(
      async () => {
        const [before, now] = [last, await rows()];
        last = now;
        return JSON.stringify(before) === JSON.stringify(now);
      },
      { interval: 500, timeout: 30_000 },
    )
    .toBe(true);
  return last;
}

async function rows(): Promise<unknown> {
  const found: Json = {};
  for (const service of ['customers', 'sync']) {
    const tables = await tenant.query<{ name: string }>(
      `select table_name as name from information_schema.columns join information_schema.tables using (table_schema, table_name)
        where table_schema = 'public' and column_name = 'tenant_id' and table_type = 'BASE TABLE' order by 1`,
      [],
      service,
    );
    for (const { name } of tables) {
      const [row] = await tenant.query<Json>(
        `select count(*)::int as count, md5(coalesce(string_agg(t.xmin::text || t::text, ',' order by t::text), '')) as hash
          from "${name}" t where tenant_id = $1`,
        [tenant.tenant.tenantId],
        service,
      );
      found[`${service}.${name}`] = row;
    }
  }
  return found;
}

test('a dry run reports what each change would start, changes no row and calls no other system', async () => {
  const { port } = listener.address() as AddressInfo;
  const definition = {
    trigger: { record: { type: 'deal', operations: ['CREATE', 'UPDATE'], filter: 'stage = lead' } },
    condition: `record.title != 'Other'`,
    steps: [
      { key: 'call', addTask: { subject: `'Call ' + record.title`, dueInSeconds: 86_400 } },
      { key: 'pause', wait: { seconds: 86_400 } },
      { key: 'ask', approve: { question: `'Go on?'`, approverIds: [randomUUID()] } },
      { key: 'move', condition: `steps.ask.decision == 'APPROVED'`, moveStage: { stage: 'proposal' } },
      {
        key: 'rename',
        update: { type: 'deal', id: 'record.id', fields: [{ field: 'title', value: `'New ' + steps.move.title` }] },
      },
      {
        key: 'made',
        create: {
          type: 'customer',
          fields: [
            { field: 'kind', value: `'COMPANY'` },
            { field: 'displayName', value: `'Jordan'` },
          ],
        },
      },
      {
        key: 'link',
        link: {
          fromType: 'deal',
          fromId: 'record.id',
          toType: 'customer',
          toId: 'steps.made.id',
          associationType: 'buyer',
        },
      },
      { key: 'post', http: { url: `'http://127.0.0.1:${port}/hook'`, headers: [], expectedStatuses: [] } },
      { key: 'sum', transform: { expression: '$uppercase(title)', input: 'steps.rename' } },
    ],
  };
  const { id } = await newDeal();
  await newDeal({ title: 'Other' });
  await newDeal({ stage: 'proposal' });
  const flowId = await newFlow(definition);
  const before = await rowsAtRest();

  const report = await tenant.ok<Report>('POST', `/v1/flows/${flowId}:dryRun`, {});

  expect(report).toMatchObject({ changes: 3, started: 1, suppressed: 0, notMatched: 2, isComplete: true });
  const [{ steps, state } = { steps: [], state: '' }] = report.trials;
  expect(state).toBe('SUCCEEDED');
  const outputs = Object.fromEntries(steps.map(({ key, output }) => [key, output]));
  expect(outputs).toMatchObject({
    call: { subject: 'Call Renewal', related: [{ type: 'deal', id }] },
    ask: { decision: 'APPROVED' },
    move: { id, stage: 'proposal', title: 'Renewal' },
    rename: { id, stage: 'proposal', title: 'New Renewal' },
    made: { displayName: 'Jordan' },
    post: {},
    sum: { value: 'NEW RENEWAL' },
  });
  expect(await rowsAtRest()).toEqual(before);
  expect(packets).toBe(0);
}, 60_000);

test('a dry run of a manual flow names what would fail', async () => {
  const { id } = await newDeal();
  const steps = [
    { key: 'bad', update: { type: 'deal', id: 'record.id', fields: [{ field: 'stage', value: `'nowhere'` }] } },
  ];
  const flowId = await newFlow({ trigger: { manual: { type: 'deal', inputs: [] } }, steps });

  const { trials } = await tenant.ok<Report>('POST', `/v1/flows/${flowId}:dryRun`, { recordId: id });
  expect(trials).toMatchObject([{ state: 'FAILED', problem: { code: 'VALIDATION_FAILED', step: 'steps/0' } }]);

  const { status, body } = await tenant.send('POST', `/v1/flows/${flowId}:dryRun`, {});
  expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
});

test('a dry run of a webhook flow follows the body that it is given', async () => {
  const flowId = await newFlow({
    trigger: { webhook: {} },
    condition: 'input.body.lines.size() > 0',
    steps: [{ key: 'keep', set: { variables: [{ name: 'payer', value: 'input.body.lines[0].payer' }] } }],
  });
  const dryRun = (trial: Json) => tenant.ok<Report>('POST', `/v1/flows/${flowId}:dryRun`, trial);

  const { trials, ...counts } = await dryRun({ body: '{"lines":[{"payer":"Ada"}]}' });
  expect(counts).toMatchObject({ started: 1, notMatched: 0 });
  expect(trials).toMatchObject([{ state: 'SUCCEEDED', steps: [{ key: 'keep', output: { payer: 'Ada' } }] }]);
  expect(await dryRun({})).toMatchObject({ started: 0, notMatched: 1 });
  const { status, body } = await tenant.send('POST', `/v1/flows/${flowId}:dryRun`, { body: '{' });
  expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ code: 'JSON_INVALID' }] } });
});

test('a dry run follows the members that have joined a segment or left it, about their customers', async () => {
  const segment = (key: string) =>
    tenant.ok<{ id: string }>('POST', '/v1/segments', { key, name: key, kind: 'STATIC' });
  const [vips, rest] = [await segment('vips'), await segment('rest')];
  const [ada, bob] = [await tenant.createCustomer('Ada'), await tenant.createCustomer('Bob')];
  const change = (id: string, verb: string, ...customerIds: string[]) =>
    tenant.ok('POST', `/v1/segments/${id}:${verb}Members`, { customerIds });
  await change(vips.id, 'add', ada, bob);
  await change(rest.id, 'add', ada);
  await change(vips.id, 'remove', bob);
  const steps = [{ key: 'call', addTask: { subject: `'Call ' + record.displayName` } }];
  const tried = async (flags: Json, condition?: string) => {
    const trigger = { segment: { segmentId: vips.id, ...flags } };
    const id = await newFlow({ trigger, steps, ...(condition !== undefined && { condition }) });
    const report = () => tenant.ok<Report>('POST', `/v1/flows/${id}:dryRun`, {});
    // Changes are in the log a moment after the calls that made them.
    await expect.poll(async () => (await report()).changes).toBe(4);
    return report();
  };

  const record = (id: string) => ({ decision: { outcome: 'STARTED', record: { type: 'customer', id } } });
  const call = (name: string) => ({ state: 'SUCCEEDED', steps: [{ output: { subject: `Call ${name}` } }] });
  expect(await tried({ left: true })).toMatchObject({ started: 1, trials: [{ ...record(bob), ...call('Bob') }] });
  const joined = await tried({ joined: true }, `record.displayName == 'Ada'`);
  expect(joined).toMatchObject({ changes: 4, started: 1, trials: [{ ...record(ada), ...call('Ada') }] });
});

test('a flow with another trigger, of another tenant or version can not be tried', async () => {
  const flowId = await newFlow({ trigger: { subflow: { inputs: [] } }, steps: [{ key: 'one', raise: { code: 'X' } }] });
  const other = await WebhookTenant.create(tenant.platform);
  const codeOf = async (of: WebhookTenant, id: string, body: Json) =>
    (await of.send('POST', `/v1/flows/${id}:dryRun`, body)).body['code'];

  expect(await codeOf(tenant, flowId, {})).toBe('FLOW_TRIGGER_UNSUPPORTED');
  expect(await codeOf(tenant, flowId, { version: 3 })).toBe('FLOW_VERSION_NOT_FOUND');
  expect(await codeOf(other, flowId, {})).toBe('FLOW_NOT_FOUND');
});
