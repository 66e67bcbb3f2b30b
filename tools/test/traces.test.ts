import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { killedPlatform } from './availability/killed-platform.ts';
import type { Answer } from './open-api.ts';
import { newTrace, type ReceivedSpan, type ReceivedTraces } from './received-traces.ts';

let platform: Platform;
let traces: ReceivedTraces;
let api: ApiClient;
/** A tenant's webhook endpoint. */
let endpoint: Server;
/** The `traceparent` of each webhook. */
const webhooks: (string | undefined)[] = [];

beforeAll(async () => {
  ({ platform, traces } = await killedPlatform());
  const { apiKey } = await platform.createTenant('Traced');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  endpoint = createServer(({ headers }, response) => {
    webhooks.push(headers['traceparent']?.toString());
    response.end();
  }).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
}, 300_000);

afterAll(() => endpoint.close());

it('shows a write as one chain: edge, customers, SQL, change log, sync, webhook', async () => {
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  await api.send('POST', '/v1/webhookEndpoints', { body: { url, eventTypes: ['customer.created'] } });
  const client = newTrace();

  const { status } = await createCustomer('Ada', client.headers);

  expect(status).toBe(201);
  const spans = await traces.traceWith(
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

it('shows a read of a cached answer as one span', async () => {
  const { body } = await createCustomer('Kept');
  const path = `/v1/customers/${(body as { id: string }).id}`;
  let client = newTrace();
  // The change log invalidates answers that were cached before the customer's change arrived.
  const readKept = async () => {
    client = newTrace();
    return (await api.send('GET', path, { headers: client.headers })).headers.get('cache-status');
  };

  await expect.poll(readKept).toContain('hit');

  const [span, ...others] = await traces.traceWith(client.traceId, 'edge GET /v1/customers/:id');
  expect(span).toMatchObject({ process: 'edge', parentSpanId: client.spanId });
  expect(others).toEqual([]);
});

it('shows the look-up of a new credential', async () => {
  const client = newTrace();
  const headers = { ...client.headers, authorization: 'Bearer rpt_live_nobodys' };

  expect(await api.send('GET', '/v1/customers', { headers })).toMatchObject({ status: 401 });

  const authenticate = 'rapport.auth.v1.AuthService/AuthenticateApiKey';
  const spans = await traces.traceWith(client.traceId, 'edge GET /v1/customers', `auth ${authenticate}`);
  const request = only(spans, 'edge', 'GET /v1/customers');
  expect(request.attributes).toMatchObject({ 'http.response.status_code': 401 });
  expect(only(spans, 'edge', authenticate).parentSpanId).toBe(request.spanId);
});

it('has the trace in the log line of its request, and starts one if the client sends no valid one', async () => {
  const client = newTrace();
  const [known, broken] = [
    await createCustomer('Logged', client.headers),
    await createCustomer('Broken', { traceparent: '00-not-a-trace' }),
  ];

  expect(await loggedTrace(known)).toBe(client.traceId);
  const begun = await traces.traceWith(await loggedTrace(broken), 'edge POST /v1/customers');
  expect(only(begun, 'edge', 'POST /v1/customers').parentSpanId).toBeUndefined();
});

/** The trace id of a request in the edge's log. */
async function loggedTrace({ headers }: Answer): Promise<string> {
  const requestId = headers.get('x-request-id') ?? '';
  const lines = async () => (await readFile(join(platform.logDir, 'edge.log'), 'utf8')).split('\n');
  const line = async () => (await lines()).find((each) => each.includes(requestId) && each.includes('"status":201'));
  await expect.poll(line, { timeout: 60_000 }).toBeDefined();
  return (JSON.parse((await line()) ?? '') as { traceId: string }).traceId;
}

function createCustomer(displayName: string, headers: Record<string, string> = {}) {
  return api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName }, headers });
}

function only(spans: ReceivedSpan[], process: string, name: string): ReceivedSpan {
  const found = spans.filter((span) => span.process === process && span.name === name);
  expect(found, `${process}: ${name}`).toHaveLength(1);
  return found[0]!;
}
