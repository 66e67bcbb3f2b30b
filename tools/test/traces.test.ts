import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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
/** What a tenant has its webhooks sent to. */
let endpoint: Server;
/** The `traceparent` of each webhook. */
const webhooks: (string | undefined)[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rapport-traces-'));
  collector = await OtlpReceiver.start();
  platform = await startPlatform({ dataDir, tracesEndpoint: collector.endpoint });
  const { apiKey } = await platform.createTenant('Traced');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  endpoint = createServer(({ headers }, response) => {
    webhooks.push(headers['traceparent']?.toString());
    response.end();
  }).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
}, 120_000);

afterAll(async () => {
  await platform.stop();
  endpoint.close();
  collector.stop();
  await rm(dataDir, { recursive: true });
});

it('shows a write as one chain: edge, customers, SQL, change log, sync, webhook', async () => {
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  await api.send('POST', '/v1/webhookEndpoints', { body: { url, eventTypes: ['customer.created'] } });
  const client = newParent();

  const { status } = await createCustomer('Ada', client.headers);

  expect(status).toBe(201);
  const spans = await traceWith(
    client.traceId,
    'edge POST /v1/customers',
    'customers change_log sequence',
    'sync webhook deliver',
  );
  const request = only(spans, 'edge', 'POST /v1/customers');
  const call = only(spans, 'edge', 'rapport.customers.v1.CustomersService/CreateCustomer');
  const answered = only(spans, 'customers', 'rapport.customers.v1.CustomersService/CreateCustomer');
  expect(request.parentSpanId).toBe(client.spanId);
  expect(request.attributes).toMatchObject({ 'http.route': '/v1/customers', 'http.response.status_code': 201 });
  expect(call.parentSpanId).toBe(request.spanId);
  expect(answered.parentSpanId).toBe(call.spanId);
  expect(only(spans, 'customers', 'change_log sequence').parentSpanId).toBe(answered.spanId);
  const statements = spans.filter(
    ({ process, attributes }) => process === 'customers' && 'db.system.name' in attributes,
  );
  expect(statements.map(({ name }) => name).join()).toContain('insert_customer');
  expect(statements.every(({ parentSpanId }) => parentSpanId === answered.spanId)).toBe(true);
  const taken = only(spans, 'sync', 'change_feed take');
  const delivered = only(spans, 'sync', 'webhook deliver');
  const sent = only(spans, 'sync', 'POST');
  expect(taken.parentSpanId).toBe(answered.spanId);
  expect(delivered.parentSpanId).toBe(taken.spanId);
  expect(sent.parentSpanId).toBe(delivered.spanId);
  expect(webhooks).toEqual([`00-${client.traceId}-${sent.spanId}-01`]);
});

it('shows a read of a kept answer as one span', async () => {
  const { body } = await createCustomer('Kept');
  const path = `/v1/customers/${(body as { id: string }).id}`;
  let client = newParent();
  // The log of changes, which the edge follows, ends what was kept before it has told of the customer.
  const readKept = async () => {
    client = newParent();
    return (await api.send('GET', path, { headers: client.headers })).headers.get('cache-status');
  };

  await expect.poll(readKept).toContain('hit');

  const [span, ...others] = await traceWith(client.traceId, 'edge GET /v1/customers/:id');
  expect(span).toMatchObject({ process: 'edge', parentSpanId: client.spanId });
  expect(others).toEqual([]);
});

it('shows how a credential was looked up that no edge knew', async () => {
  const client = newParent();
  const headers = { ...client.headers, authorization: 'Bearer rpt_live_nobodys' };

  expect(await api.send('GET', '/v1/customers', { headers })).toMatchObject({ status: 401 });

  const authenticate = 'rapport.auth.v1.AuthService/AuthenticateApiKey';
  const spans = await traceWith(client.traceId, 'edge GET /v1/customers', `auth ${authenticate}`);
  const request = only(spans, 'edge', 'GET /v1/customers');
  expect(request.attributes).toMatchObject({ 'http.response.status_code': 401 });
  expect(only(spans, 'edge', authenticate).parentSpanId).toBe(request.spanId);
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

it('a service that is told to end while others read its feed ends in time, and sends its last traces before', async () => {
  const client = newParent();
  await createCustomer('Last', client.headers);

  await platform.services.customers.stop(20_000);

  const log = await readFile(join(dataDir, 'logs/customers.log'), 'utf8');
  expect(log).toContain('stopping');
  expect(log).not.toContain('did not stop in time');
  const answered = 'rapport.customers.v1.CustomersService/CreateCustomer';
  expect(collector.trace(client.traceId).map(({ name }) => name)).toContain(answered);
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
