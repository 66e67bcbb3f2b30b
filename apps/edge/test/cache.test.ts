import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask, type HttpAnswer } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let edge: RunningEdge;
let tenants = 0;

beforeAll(async () => {
  ores = await startOres();
  edge = await ores.startEdge();
});

afterEach(() => ores.setDelay(() => 0));
afterAll(async () => ores.stop());

/** A separate tenant for each test, so that tests do not share cached answers and counts. */
function newTenant(of: RunningEdge = edge) {
  const tenantId = `t${++tenants}`;
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    ask(`${of.url}${path}`, {
      method,
      headers: { authorization: authorization(tenantId), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const get = (path: string, headers?: Record<string, string>) => send('GET', path, undefined, headers);
  const write = (id: string, name = 'x') => send('PATCH', `/v1/ores/${id}`, { name });
  return { tenantId, send, get, write };
}

/** Makes the service read at once, and answer when it is released. */
function heldAnswer(): { release: () => void } {
  const { promise, resolve: release } = Promise.withResolvers<void>();
  ores.setDelay(() => promise);
  onTestFinished(() => release());
  return { release };
}

/** @returns a function that returns the number of requests to the edge since */
function countHandled(): () => number {
  let handled = 0;
  const count = () => handled++;
  subscribe('http.server.request.start', count);
  onTestFinished(() => void unsubscribe('http.server.request.start', count));
  return () => handled;
}

function versionOf({ body }: HttpAnswer): number {
  return (JSON.parse(body) as { version: number }).version;
}

function isHit({ headers }: HttpAnswer): boolean {
  return headers['cache-status']?.startsWith('rapport; hit') ?? false;
}

describe('a cached answer', () => {
  it('is served without a call, with Cache-Status', async () => {
    const { get, write } = newTenant();
    await write('a');
    const first = await get('/v1/ores/a');
    const calls = ores.calls.get('getOre');
    const second = await get('/v1/ores/a');
    expect(first.headers['cache-status']).toBe('rapport; fwd=uri-miss; stored');
    expect(second.headers['cache-status']).toMatch(/^rapport; hit; ttl=(49|50)$/);
    expect(second).toMatchObject({ status: 200, body: first.body, headers: { age: '0', etag: '"1"' } });
    expect(ores.calls.get('getOre')).toBe(calls);
  });

  it('is invalidated by a write to its record, as lists are, but no other record', async () => {
    const { get, write } = newTenant();
    await write('a');
    await write('b');
    for (const path of ['/v1/ores/a', '/v1/ores/b', '/v1/ores', '/v1/ores:batchGet?ids=a&ids=b']) await get(path);
    await write('a');
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
    expect(isHit(await get('/v1/ores/b'))).toBe(true);
    expect(isHit(await get('/v1/ores'))).toBe(false);
    expect(isHit(await get('/v1/ores:batchGet?ids=a&ids=b'))).toBe(false);
  });

  it('is invalidated by a batch with its record only in the answer', async () => {
    const { get, send, write } = newTenant();
    for (const id of ['a', 'b', 'c']) await write(id);
    for (const id of ['a', 'b', 'c']) await get(`/v1/ores/${id}`);
    await send('POST', '/v1/ores:batchUpdate', { ids: ['a', 'b'], name: 'y' });
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
    expect(versionOf(await get('/v1/ores/b'))).toBe(2);
    expect(isHit(await get('/v1/ores/c'))).toBe(true);
  });

  it('is invalidated by an upload that changes its type', async () => {
    const { get, send, write } = newTenant();
    await write('a');
    await get('/v1/ores/a');
    await get('/v1/ores');
    await send('POST', '/v1/ores:smelt', 'file');
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
    expect(isHit(await get('/v1/ores'))).toBe(false);
  });

  it('survives a validate-only write, a refused one, and those of another tenant', async () => {
    const { get, send, write } = newTenant();
    const other = newTenant();
    await write('a');
    await get('/v1/ores/a');
    await send('PATCH', '/v1/ores/a?validateOnly=true', { name: 'y' });
    ores.failNext('updateOre', { code: status.ALREADY_EXISTS, isDone: false });
    expect((await write('a')).status).toBe(409);
    await other.write('a');
    expect(isHit(await get('/v1/ores/a'))).toBe(true);
  });

  it.each([status.UNAVAILABLE, status.INTERNAL, status.DEADLINE_EXCEEDED])(
    'is invalidated by a write with %s, whose outcome is unknown',
    async (code) => {
      const { get, write } = newTenant();
      await write('a');
      await get('/v1/ores/a');
      ores.failNext('updateOre', { code, isDone: true });
      expect((await write('a')).status).toBeGreaterThanOrEqual(500);
      expect(versionOf(await get('/v1/ores/a'))).toBe(2);
    },
  );

  it('is invalidated by a write whose client has disconnected', async () => {
    const { get, write, tenantId } = newTenant();
    await write('a');
    await get('/v1/ores/a');
    const answer = heldAnswer();
    const gone = new AbortController();
    const headers = { authorization: authorization(tenantId), 'content-type': 'application/json' };
    const written = fetch(`${edge.url}/v1/ores/a`, {
      method: 'PATCH',
      headers,
      body: '{"name":"y"}',
      signal: gone.signal,
    });
    await expect.poll(() => ores.version(tenantId, 'a')).toBe(2);
    gone.abort();
    await expect(written).rejects.toThrow();
    answer.release();
    await expect.poll(async () => versionOf(await get('/v1/ores/a'))).toBe(2);
  });

  it('is served only to callers with the same rights in the same tenant', async () => {
    const { get, write, tenantId } = newTenant();
    await write('a');
    await get('/v1/ores/a');
    const as = async (permissions: string, tenant = tenantId) =>
      get('/v1/ores/a', { authorization: authorization(tenant, permissions, 'other') });
    expect(isHit(await as('ores.write,ores.read'))).toBe(true);
    expect(isHit(await as('ores.read'))).toBe(false);
    expect((await as('ores.write')).status).toBe(403);
    expect((await as('ores.read,ores.write', `${tenantId}x`)).status).toBe(404);
  });

  it('is reloaded on the client’s request, and cached again', async () => {
    const { get, write, tenantId } = newTenant();
    await write('a');
    await get('/v1/ores/a');
    ores.writeBehind(tenantId, 'a');
    expect(versionOf(await get('/v1/ores/a'))).toBe(1);
    const forced = await get('/v1/ores/a', { 'cache-control': 'no-cache' });
    expect(forced.headers['cache-status']).toBe('rapport; fwd=request; stored');
    expect(versionOf(forced)).toBe(2);
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
  });

  it('of a list has an etag of its bytes, which gets 304 without a call', async () => {
    const { get, write } = newTenant();
    await write('a');
    const { headers } = await get('/v1/ores');
    const calls = ores.calls.get('listOres');
    const second = await get('/v1/ores', { 'if-none-match': headers['etag'] ?? '' });
    expect(headers['etag']).toMatch(/^"[\w-]{22}"$/);
    expect(second).toMatchObject({ status: 304, body: '' });
    expect(ores.calls.get('listOres')).toBe(calls);
    await write('a');
    expect((await get('/v1/ores', { 'if-none-match': headers['etag'] ?? '' })).status).toBe(200);
  });
});

describe('a load', () => {
  it('is loaded once for 1,000 concurrent requests of a cold key', async () => {
    const { get, write } = newTenant();
    await write('a');
    const handled = countHandled();
    const answer = heldAnswer();
    const calls = ores.calls.get('getOre') ?? 0;
    const asked = Array.from({ length: 1_000 }, () => get('/v1/ores/a'));
    await vi.waitUntil(() => handled() === 1_000, { timeout: 20_000 });
    answer.release();
    const answers = await Promise.all(asked);
    expect(ores.calls.get('getOre')).toBe(calls + 1);
    expect(answers.every(({ status: code }) => code === 200)).toBe(true);
  });

  it('that a write overtakes is served to waiting requests, to no later one, and is not cached', async () => {
    const { get, write } = newTenant();
    await write('a');
    const answer = heldAnswer();
    const calls = ores.calls.get('getOre') ?? 0;
    const slow = get('/v1/ores/a');
    await expect.poll(() => ores.calls.get('getOre')).toBe(calls + 1);
    ores.setDelay(() => 0);
    await write('a');
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
    answer.release();
    const old = await slow;
    expect(versionOf(old)).toBe(1);
    expect(old.headers['cache-status']).toBe('rapport; fwd=uri-miss');
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
  });

  it('keeps loading while one waiting request is left', async () => {
    const { get, write, tenantId } = newTenant();
    await write('a');
    const handled = countHandled();
    const answer = heldAnswer();
    const gone = new AbortController();
    const headers = { authorization: authorization(tenantId) };
    const calls = ores.calls.get('getOre') ?? 0;
    const first = fetch(`${edge.url}/v1/ores/a`, { headers, signal: gone.signal });
    await expect.poll(() => ores.calls.get('getOre')).toBe(calls + 1);
    const second = get('/v1/ores/a');
    await expect.poll(handled).toBe(2);
    gone.abort();
    await expect(first).rejects.toThrow();
    answer.release();
    expect(await second).toMatchObject({
      status: 200,
      headers: { 'cache-status': 'rapport; fwd=uri-miss; stored; collapsed' },
    });
  });
});

describe('the absence of a record', () => {
  it('is cached, and invalidated when the record is created', async () => {
    const { get, write } = newTenant();
    const calls = ores.calls.get('getOre') ?? 0;
    expect((await get('/v1/ores/a')).status).toBe(404);
    const again = await get('/v1/ores/a');
    expect(again).toMatchObject({
      status: 404,
      headers: { 'cache-status': expect.stringMatching(/^rapport; hit/) as string },
    });
    expect((JSON.parse(again.body) as { requestId: string }).requestId).toBe(again.headers['x-request-id']);
    expect(ores.calls.get('getOre')).toBe(calls + 1);
    await write('a');
    expect((await get('/v1/ores/a')).status).toBe(200);
  });

  it('is not cached when the answer has its new place', async () => {
    const { get } = newTenant();
    const calls = ores.calls.get('getOre') ?? 0;
    for (let n = 0; n < 2; n++) {
      expect(JSON.parse((await get('/v1/ores/moved')).body)).toMatchObject({ metadata: { movedTo: 'x' } });
    }
    expect(ores.calls.get('getOre')).toBe(calls + 2);
  });
});

describe('a consistency token', () => {
  it('makes a read as new as its write on an edge without the invalidation', async () => {
    const { get, write, tenantId } = newTenant();
    await write('a');
    const elsewhere = await ores.startEdge();
    const getElsewhere = (headers: Record<string, string> = {}) =>
      ask(`${elsewhere.url}/v1/ores/a`, { headers: { authorization: authorization(tenantId), ...headers } });
    await getElsewhere();
    const { headers } = await write('a');
    const token = { 'rapport-consistency-token': headers['rapport-consistency-token'] ?? '' };
    expect(token['rapport-consistency-token']).not.toBe('');
    expect(versionOf(await getElsewhere())).toBe(1);
    const first = await getElsewhere(token);
    expect(versionOf(first)).toBe(2);
    expect(first.headers['cache-status']).toBe('rapport; fwd=request; stored');
    expect(isHit(await getElsewhere(token))).toBe(true);
    expect(versionOf(await get('/v1/ores/a'))).toBe(2);
  });
});

describe('while the service is down', () => {
  it(
    'the last good answer is served as stale, unless a known write may be missing in it',
    { timeout: 20_000 },
    async () => {
      const { get, write } = newTenant();
      for (const id of ['a', 'b']) await write(id);
      for (const id of ['a', 'b']) await get(`/v1/ores/${id}:glance`);
      ores.stopService();
      // It is cached for a second.
      const isStale = async () => (await get('/v1/ores/a:glance')).headers['cache-status']?.includes('fwd=stale');
      await vi.waitUntil(isStale, { timeout: 20_000 });
      const { status: code, headers } = await get('/v1/ores/a:glance');
      const stale = /^rapport; fwd=stale; fwd-status=503; ttl=-\d; detail=stale-if-error$/;
      expect([code, headers['cache-status']]).toEqual([200, expect.stringMatching(stale)]);
      expect(Number(headers['age'])).toBeGreaterThanOrEqual(1);
      expect((await get('/v1/ores/unknown:glance')).status).toBe(503);
      expect((await get('/v1/ores/a:glance', { 'cache-control': 'no-cache' })).status).toBe(503);
      expect((await write('b')).status).toBe(503);
      expect((await get('/v1/ores/b:glance')).status).toBe(503);
      await ores.startService();
      await expect.poll(async () => (await get('/v1/ores/b:glance')).status, { timeout: 10_000 }).toBe(200);
    },
  );
});

describe('memory', () => {
  it('that one tenant fills evicts nothing of another', async () => {
    const small = await ores.startEdge({ cacheBytes: 1024 * 1024 });
    const modest = newTenant(small);
    const greedy = newTenant(small);
    for (let n = 0; n < 5; n++) {
      await modest.write(`a${n}`);
      await modest.get(`/v1/ores/a${n}`);
    }
    for (let n = 0; n < 100; n++) {
      await greedy.write(`b${n}`, 'x'.repeat(20_000));
      await greedy.get(`/v1/ores/b${n}`);
    }
    const kept = await Promise.all(Array.from({ length: 5 }, (_, n) => modest.get(`/v1/ores/a${n}`)));
    expect(kept.every(isHit)).toBe(true);
    expect(isHit(await greedy.get('/v1/ores/b99'))).toBe(true);
    expect(isHit(await greedy.get('/v1/ores/b0'))).toBe(false);
  });
});
