import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlatform, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';

let dataDir: string;
let collector: OtlpReceiver;
let platform: Platform;
let api: ApiClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rapport-traces-'));
  collector = await OtlpReceiver.start();
  platform = await startPlatform({ dataDir, tracesEndpoint: collector.endpoint });
  const { apiKey } = await platform.createTenant('Traced');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

afterAll(async () => {
  await platform.stop();
  collector.stop();
  await rm(dataDir, { recursive: true });
});

it('shows a write as one chain: edge, auth, customers, SQL, change log', async () => {
  const client = newParent();

  const { status } = await createCustomer('Ada', client.headers);

  expect(status).toBe(201);
  const authenticate = 'rapport.auth.v1.AuthService/AuthenticateApiKey';
  const spans = await traceWith(
    client.traceId,
    'edge POST /v1/customers',
    `auth ${authenticate}`,
    'customers change_log sequence',
  );
  const request = only(spans, 'edge', 'POST /v1/customers');
  const call = only(spans, 'edge', 'rapport.customers.v1.CustomersService/CreateCustomer');
  const answered = only(spans, 'customers', 'rapport.customers.v1.CustomersService/CreateCustomer');
  expect(request.parentSpanId).toBe(client.spanId);
  expect(request.attributes).toMatchObject({ 'http.route': '/v1/customers', 'http.response.status_code': 201 });
  expect(only(spans, 'edge', authenticate).parentSpanId).toBe(request.spanId);
  expect(call.parentSpanId).toBe(request.spanId);
  expect(answered.parentSpanId).toBe(call.spanId);
  expect(only(spans, 'customers', 'change_log sequence').parentSpanId).toBe(answered.spanId);
  const statements = spans.filter(
    ({ process, attributes }) => process === 'customers' && 'db.system.name' in attributes,
  );
  expect(statements.map(({ name }) => name).join()).toContain('insert_customer');
  expect(statements.every(({ parentSpanId }) => parentSpanId === answered.spanId)).toBe(true);
});

it('shows a read of a kept answer as one span', async () => {
  const { body } = await createCustomer('Kept');
  const path = `/v1/customers/${(body as { id: string }).id}`;
  await api.send('GET', path);
  const client = newParent();

  const answer = await api.send('GET', path, { headers: client.headers });

  expect(answer.headers.get('cache-status')).toContain('hit');
  const [span, ...others] = await traceWith(client.traceId, 'edge GET /v1/customers/:id');
  expect(span).toMatchObject({ process: 'edge', parentSpanId: client.spanId });
  expect(others).toEqual([]);
});

it('names the trace in the log line of its request', async () => {
  const client = newParent();
  await createCustomer('Logged', client.headers);

  await expect
    .poll(async () => readFile(join(dataDir, 'logs/edge.log'), 'utf8'))
    .toMatch(new RegExp(`"traceId":"${client.traceId}".*"route":"/v1/customers","status":201`));
});

it('begins a trace of its own where the client has named none that can be read', async () => {
  const known = new Set(collector.spans.map(({ traceId }) => traceId));

  expect(await createCustomer('Broken', { traceparent: '00-not-a-trace' })).toMatchObject({ status: 201 });

  const isBegun = ({ name, traceId, parentSpanId }: ReceivedSpan) =>
    name === 'POST /v1/customers' && parentSpanId === undefined && !known.has(traceId);
  await expect.poll(() => collector.spans.filter(isBegun), { timeout: 30_000 }).toHaveLength(1);
});

it('sends what is left when a process is told to end', async () => {
  const client = newParent();
  expect(await createCustomer('Last', client.headers)).toMatchObject({ status: 201 });

  await platform.services.customers.stop();

  await traceWith(client.traceId, 'customers rapport.customers.v1.CustomersService/CreateCustomer');
  await platform.services.customers.start();
});

function createCustomer(displayName: string, headers: Record<string, string> = {}) {
  return api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName }, headers });
}

/** A trace that a client has begun. */
function newParent() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

/** The spans of a trace, once those have come that are named: each by its process and its name. */
async function traceWith(traceId: string, ...names: string[]): Promise<ReceivedSpan[]> {
  const come = () => collector.trace(traceId).map(({ process, name }) => `${process} ${name}`);
  await expect.poll(come, { timeout: 30_000 }).toEqual(expect.arrayContaining(names));
  return collector.trace(traceId);
}

function only(spans: ReceivedSpan[], process: string, name: string): ReceivedSpan {
  const found = spans.filter((span) => span.process === process && span.name === name);
  expect(found, `${process}: ${name}`).toHaveLength(1);
  return found[0]!;
}
