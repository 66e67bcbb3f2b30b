import { connect, type Socket } from 'node:net';
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { INestApplicationContext } from '@nestjs/common';
import {
  ContractClient,
  PrincipalSigner,
  PrincipalVerifier,
  startGrpcService,
  type Contract,
} from '@rapport/contracts';
import { createLogger } from '@rapport/platform';
import { freePort } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createEdge, type Edge } from '../src/create-edge.js';
import { ask } from './ask.js';
import { generateSampleContract } from './generate-sample-contract.js';
import { received, sampleModule, waiting } from './sample-module.js';

type Message = Record<string, unknown>;

const logger = createLogger('test', 'silent');
let contract: Contract;
let service: ServiceDefinition;
let samples: INestApplicationContext;
let edge: Edge;
let principals: PrincipalSigner;
let address: string;
let url: string;

beforeAll(async () => {
  ({ contract, service } = await generateSampleContract());
  address = `127.0.0.1:${await freePort()}`;
  principals = await PrincipalSigner.of();
  samples = await startGrpcService({
    module: sampleModule(service),
    services: [service],
    address,
    principals: new PrincipalVerifier(principals.publicKeys),
    logger,
    contract,
  });
  const config = { host: '127.0.0.1', port: 0, logLevel: 'silent', trustedProxies: [] };
  edge = await createEdge({ ...config, addresses: new Map([['sample', address]]) }, contract, [service], logger);
  url = await edge.app.listen({ port: 0, host: '127.0.0.1' });
});

afterAll(async () => {
  await edge.app.close();
  await samples.close();
});

describe('an RPC of a proto file without code in the edge', () => {
  it('creates by POST with 201, Location and ETag', async () => {
    const answer = await send('POST', '/v1/samples', {
      title: 'quartz',
      colour: 'SKY_BLUE',
      places: [{ email: 'a@b.example' }],
      findTime: '2026-01-31T09:30:00Z',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/v1/samples/s1');
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(await answer.json()).toEqual({
      id: 's1',
      title: 'quartz',
      colour: 'SKY_BLUE',
      places: [{ email: 'a@b.example' }],
      findTime: '2026-01-31T09:30:00.000Z',
      etag: '"1"',
      changedFields: [],
    });
  });

  it('converts query parameters to the types of the contract', async () => {
    const answer = await send('GET', '/v1/samples?pageSize=3&colours=RED&colours=SKY_BLUE&hot=true');
    expect(await answer.json()).toMatchObject({ samples: [{ title: '3 1,2 true', hot: true }] });
  });

  it('changes exactly the fields of a PATCH, null included', async () => {
    const answer = await send('PATCH', '/v1/samples/s7', { title: 'agate', weight: null }, { 'if-match': '"4"' });
    expect(await answer.json()).toMatchObject({ id: 's7', changedFields: ['title', 'weight'], etag: '"4"' });
  });

  it('passes a file on while it arrives', async () => {
    const file = Buffer.alloc(300_000, 'x');
    const answer = await fetch(`${url}/v1/samples:upload?title=core`, {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: file,
    });
    expect(await answer.json()).toEqual({ bytes: 300_000, title: 'core', contentType: 'text/csv' });
  });

  it('passes bytes of any type unchanged, with all headers, and answers 202', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const post = (bytes: Buffer) =>
      fetch(`${url}/v1/samples/s1:receive`, { method: 'POST', headers: { 'X-Signature': 'a, b' }, body: bytes });

    const answer = await post(body);

    expect([answer.status, await answer.text()]).toEqual([202, '']);
    expect(received).toMatchObject([{ id: 's1', body: { contentType: '', data: body } }]);
    expect(received[0]?.['headers']).toContainEqual({ name: 'x-signature', value: 'a, b' });
    expect((await post(Buffer.alloc(257))).status).toBe(413);
    expect(received).toHaveLength(1);
  });

  it('answers a refused file without waiting for its end', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST /v1/samples:upload?title=refuse HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n');
    socket.write('Content-Length: 100000000\r\n\r\n');
    socket.write('x'.repeat(100_000));
    expect(await firstAnswer(socket)).toMatch(/^HTTP\/1.1 409 [^]*connection: close[^]*FILE_REFUSED/i);
    socket.destroy();
  });

  it('refuses a file that is too large before it is read', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST /v1/samples:upload HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n');
    socket.write('Content-Length: 100000001\r\n\r\n');
    expect(await firstAnswer(socket)).toMatch(/^HTTP\/1.1 413 [^]*BODY_TOO_LARGE/);
    socket.destroy();
  });

  it('disconnects a client that does not end a body or a file', async () => {
    // No loop of an edge waits by these: they only bound calls, and no call of another test runs meanwhile.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const start = async (path: string) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`);
      const answer = await firstAnswer(socket);
      socket.destroy();
      return answer;
    };
    const slow = ask(`${url}/v1/samples/slow`);
    const answerSlow = await waiting.promise;
    const timers = vi.getTimerCount();
    const body = start('/v1/samples');
    await expect.poll(() => vi.getTimerCount()).toBeGreaterThan(timers);
    const file = start('/v1/samples:upload');

    expect(await advanceUntil(body)).toMatch(/^HTTP\/1.1 408 [^]*REQUEST_TIMEOUT/);
    // A slow service is not the client's fault.
    answerSlow();
    expect((await slow).status).toBe(404);
    expect(await advanceUntil(file)).toMatch(/^HTTP\/1.1 408 [^]*REQUEST_TIMEOUT/);
  });

  it('answers with the status of an error', async () => {
    const answer = await send('GET', '/v1/samples/none');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'SAMPLE_NOT_FOUND', detail: 'No such sample.', status: 404 });
  });

  it('hides unexpected errors', async () => {
    const answer = await send('GET', '/v1/samples/crash');
    expect(answer.status).toBe(500);
    expect(JSON.stringify(await answer.json())).not.toContain('secret');
  });

  it('needs a credential if the policy has a permission', async () => {
    expect((await send('POST', '/v1/samples/s1:weigh')).status).toBe(401);
  });

  it('has no route without a policy', async () => {
    const answer = await send('DELETE', '/v1/samples/s1');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, PATCH']);
  });

  it.each([
    ['a missing field', {}, '/title', 'REQUIRED'],
    ['a short text', { title: 'x' }, '/title', 'TOO_SHORT'],
    ['a long text', { title: 'x'.repeat(11) }, '/title', 'TOO_LONG'],
    ['a wrong type', { title: 7 }, '/title', 'WRONG_TYPE'],
    ['an unknown field', { title: 'quartz', shape: 'cube' }, '/shape', 'UNKNOWN_FIELD'],
    ['a field of the server', { title: 'quartz', id: 'mine' }, '/id', 'READ_ONLY_FIELD'],
    ['an unknown enum value', { title: 'quartz', colour: 'GREEN' }, '/colour', 'UNKNOWN_VALUE'],
    ['the unspecified enum value', { title: 'quartz', colour: 'UNSPECIFIED' }, '/colour', 'UNKNOWN_VALUE'],
    ['a number as text', { title: 'quartz', weight: '5' }, '/weight', 'WRONG_TYPE'],
    ['a large number', { title: 'quartz', weight: 1001 }, '/weight', 'TOO_LARGE'],
    ['a bad format', { title: 'quartz', places: [{ email: 'nobody' }] }, '/places/0/email', 'BAD_FORMAT'],
    ['a bad time', { title: 'quartz', findTime: '2026-13-01T00:00:00Z' }, '/findTime', 'BAD_FORMAT'],
    ['many items', { title: 'quartz', places: Array(3).fill({ email: 'a@b.example' }) }, '/places', 'TOO_MANY_ITEMS'],
    ['a NUL', { title: 'qu\0rtz' }, '/title', 'BAD_CHARACTERS'],
  ])('refuses %s and points to it', async (_case, body, pointer, code) => {
    const answer = await send('POST', '/v1/samples', body);
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: { pointer: string; code: string }[] };
    expect(errors).toContainEqual(expect.objectContaining({ in: 'body', pointer, code }));
  });

  it('reports only the first error of a large body', async () => {
    const answer = await send('POST', '/v1/samples', { title: 'quartz', places: Array(50_000).fill(0) });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { errors: unknown[] }).errors).toHaveLength(1);
  });

  it('refuses an unknown parameter, and names the known ones', async () => {
    const answer = await send('GET', '/v1/samples?pagesize=3');
    expect(answer.status).toBe(400);
    const detail = expect.stringMatching(/^is not known here; known are .*pageSize, /) as string;
    expect(await answer.json()).toMatchObject({
      errors: [{ in: 'query', pointer: '/pagesize', code: 'UNKNOWN_FIELD', detail }],
    });
  });

  it('names the fields that a caller can set once for all unknown ones of an object', async () => {
    const answer = await send('POST', '/v1/samples', { title: 'quartz', shape: 'cube', size: 3 });
    const { errors } = (await answer.json()) as { errors: { pointer: string; detail: string }[] };
    expect(errors.map(({ pointer }) => pointer)).toEqual(['/shape', '/size']);
    expect(errors[0]?.detail).toMatch(/^is not known here; known are .*title/);
    expect(errors[0]?.detail).not.toMatch(/ id[,.]/);
    expect(errors[1]?.detail).toBe('is not known here.');
  });

  it('refuses a parameter of one value that is given twice', async () => {
    const answer = await send('GET', '/v1/samples?pageSize=3&pageSize=4');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errors: [{ in: 'query', pointer: '/pageSize', code: 'WRONG_TYPE', detail: 'must be given once.' }],
    });
  });

  it('refuses a request without its body', async () => {
    const answer = await send('POST', '/v1/samples');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ in: 'body', pointer: '', code: 'REQUIRED' }] });
  });

  it('validates headers', async () => {
    const answer = await send('POST', '/v1/samples', { title: 'quartz' }, { 'idempotency-key': 'k'.repeat(21) });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errors: [{ in: 'header', pointer: '/idempotency-key', code: 'TOO_LONG' }],
    });
  });

  it('is documented', async () => {
    const document = (await (await send('GET', '/openapi.json')).json()) as {
      paths: Record<string, Record<string, Message>>;
      components: { schemas: Record<string, Message> };
    };
    expect(document.paths['/v1/samples/{id}:weigh']?.['post']).toMatchObject({
      operationId: 'weighSample',
      summary: 'Weighs a sample: a verb of its own',
      description: expect.stringContaining('samples.write') as string,
    });
    expect(document.components.schemas['SampleInput']).toMatchObject({
      required: ['title'],
      properties: { title: { minLength: 2, maxLength: 10, examples: ['quartz'], description: 'What it is called.' } },
    });
  });
});

describe('a service called past the edge', () => {
  it('validates messages by the same rules', async () => {
    const client = new ContractClient(address, [service]);
    const request = { sample: { title: 'x', places: [{ email: 'nobody' }], changedFields: [], colour: 9 } };
    const call = client.unary('/rapport.sample.v1.SampleService/CreateSample', request, {
      context: { requestId: 'r' },
      deadlineMs: 5_000,
    });
    await expect(call).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [
        { field: 'sample.title', reason: 'TOO_SHORT' },
        { field: 'sample.colour', reason: 'UNKNOWN_VALUE' },
        { field: 'sample.places[0].email', reason: 'BAD_FORMAT' },
      ],
    });
    client.close();
  });

  it('accepts no more bytes than the contract allows', async () => {
    const client = new ContractClient(address, [service]);
    const body = { contentType: '', data: Buffer.alloc(257), extensions: [] };
    const call = client.unary(
      '/rapport.sample.v1.SampleService/ReceiveSample',
      { id: 's1', body, headers: [] },
      { context: { requestId: 'r' }, deadlineMs: 5_000 },
    );
    await expect(call).rejects.toMatchObject({ violations: [{ field: 'body', reason: 'TOO_LARGE' }] });
    client.close();
  });

  it('checks the permission itself', async () => {
    const client = new ContractClient(address, [service]);
    const call = (permissions: string[]) =>
      client.unary(
        '/rapport.sample.v1.SampleService/WeighSample',
        { id: 's1' },
        {
          context: {
            requestId: 'r',
            principalToken: principals.sign({ tenantId: 't', principalId: 'p', permissions }),
          },
          deadlineMs: 5_000,
        },
      );
    await expect(call(['samples.read'])).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(call(['samples.write'])).resolves.toMatchObject({ id: 's1' });
    client.close();
  });
});

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return fetch(url + path, { method, headers: { ...type, ...headers }, ...content });
}

/** Makes the clock run much faster than real time. */
async function advanceUntil<Value>(promise: Promise<Value>): Promise<Value> {
  let isSettled = false;
  const settled = promise.finally(() => (isSettled = true));
  while (!isSettled) {
    vi.advanceTimersByTime(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
}

async function firstAnswer(socket: Socket): Promise<string> {
  let text = '';
  for await (const data of socket) {
    text += String(data);
    if (text.includes('}')) break;
  }
  return text;
}
