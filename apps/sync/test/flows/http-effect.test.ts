import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { MasterKeys } from '@rapport/platform';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EffectCall, JsonObject } from '../../src/flows/effects/effect-port.ts';
import { HttpEffect } from '../../src/flows/effects/http-effect.ts';
import { provenRun } from '../../src/flows/effects/run-proof.ts';
import { resolveStep } from '../../src/flows/effects/resolve-step.ts';
import { OutgoingHttp } from '../../src/outgoing-http/outgoing-http.ts';
import { SecretEnvelope } from '../../src/storage/secret-envelope.ts';

interface Seen {
  method: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let url: string;
let seen: Seen[] = [];
let answer: (response: ServerResponse) => void;

const http = new OutgoingHttp(['127.0.0.1']);
const secrets = {
  read: (tenantId: string, name: string) => Promise.resolve(name === 'erp' ? `secret of ${tenantId}` : undefined),
};
const envelope = new SecretEnvelope(new MasterKeys(randomBytes(32)));
const effect = new HttpEffect(http, secrets, envelope);

beforeAll(async () => {
  server = createServer((request, response) => {
    void textOf(request).then((body) => {
      seen.push({ method: request.method ?? '', headers: request.headers, body });
      answer(response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
});
afterAll(() => {
  http.close();
  server.close();
  server.closeAllConnections();
});

beforeEach(() => {
  seen = [];
  answer = (response) => response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":7}');
});

async function perform(content: object, port?: string): Promise<JsonObject> {
  const step = Step.fromPartial({ key: 'post', http: { url: JSON.stringify(port ?? url), ...content } });
  const input = resolveStep(step, (expression) => JSON.parse(expression) as unknown);
  const call: EffectCall = {
    ...{ tenantId: 't1', principalId: 'user:a', runId: 'r1', path: 'steps/0', effectKey: 'r1:steps/0' },
    ...{ step, input, record: undefined, hop: 1 },
  };
  return (await effect.perform(call, step.http!, new AbortController().signal)).output;
}

const withStatus = (status: number) => (response: ServerResponse) => void response.writeHead(status).end();
const cut = (response: ServerResponse) => void response.socket?.destroy();

test('a call has the effect key, the secret and the body as JSON', async () => {
  const output = await perform({
    headers: [{ name: 'X-Kind', value: '"order"' }],
    body: '{"id":"d1"}',
    secretName: 'erp',
  });

  expect(output).toMatchObject({ status: 201, body: { id: 7 } });
  expect(seen).toMatchObject([
    {
      method: 'POST',
      body: '{"id":"d1"}',
      headers: {
        'idempotency-key': 'r1:steps/0',
        'rapport-hop': '1',
        authorization: 'Bearer secret of t1',
        'content-type': 'application/json',
        'x-kind': 'order',
      },
    },
  ]);
});

test('a call proves which run of which tenant makes it', async () => {
  await perform({});
  const proof = String(seen[0]?.headers['rapport-run']);

  expect(provenRun(envelope, 't1', proof)).toBe('r1');
  expect(provenRun(envelope, 't2', proof)).toBeUndefined();
  expect(provenRun(envelope, 't1', proof.replace('r1', 'r2'))).toBeUndefined();
  expect(provenRun(envelope, 't1', 'r1.')).toBeUndefined();
});

test('an answer is text unless it is JSON, of at most 256 KiB, without what the database can not store', async () => {
  answer = (response) => void response.end(`\0${'x'.repeat(300 * 1_024)}`);
  const { body } = await perform({ method: 1 });
  expect(body).toBe(`\ufffd${'x'.repeat(256 * 1_024 - 1)}`);
});

test.each([
  ['a refusal', {}, withStatus(404), { code: 'HTTP_STATUS', kind: 'FINAL' }],
  ['an unexpected success', { expectedStatuses: [200] }, withStatus(202), { code: 'HTTP_STATUS', kind: 'FINAL' }],
  ['a failure', {}, withStatus(500), { code: 'HTTP_STATUS', kind: 'PASSING' }],
  ['a failure of what must not be repeated', { isUnrepeatable: true }, withStatus(500), { kind: 'UNCERTAIN' }],
  ['too many requests', { isUnrepeatable: true }, withStatus(429), { kind: 'PASSING' }],
  ['a lost answer', {}, cut, { code: 'HTTP_CONNECTION_FAILED', kind: 'PASSING' }],
  ['a lost answer of what must not be repeated', { isUnrepeatable: true }, cut, { kind: 'UNCERTAIN' }],
  ['silence', { timeoutSeconds: 1 }, () => undefined, { code: 'HTTP_TIMEOUT', kind: 'PASSING' }],
  ['a redirect, which is not followed', {}, withStatus(302), { code: 'HTTP_STATUS', kind: 'FINAL' }],
  ['an unknown secret', { secretName: 'other' }, cut, { code: 'FLOW_SECRET_NOT_FOUND', kind: 'FINAL' }],
  ['a header of the client', { headers: [{ name: 'Host', value: '"a"' }] }, cut, { code: 'HTTP_HEADER_INVALID' }],
  ['a header of two lines', { headers: [{ name: 'x', value: '"a\\r\\nb: c"' }] }, cut, { code: 'HTTP_HEADER_INVALID' }],
])('%s', async (_, content, behave, error) => {
  answer = behave;
  await expect(perform(content)).rejects.toMatchObject(error);
});

test.each([
  ['https://10.0.0.1/', 'HTTP_ADDRESS_NOT_ALLOWED'],
  ['http://example.com/', 'HTTP_ADDRESS_NOT_ALLOWED'],
  ['no address', 'HTTP_URL_INVALID'],
])('%s can not be called', async (address, code) => {
  await expect(perform({}, address)).rejects.toMatchObject({ code, kind: 'FINAL' });
  expect(seen).toEqual([]);
});

test('a server that is not there has received nothing, even what must not be repeated', async () => {
  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const { port } = spare.address() as AddressInfo;
  spare.close();
  await once(spare, 'close');
  const call = perform({ isUnrepeatable: true }, `http://127.0.0.1:${port}/`);
  await expect(call).rejects.toMatchObject({ code: 'HTTP_CONNECTION_FAILED', kind: 'PASSING' });
});
