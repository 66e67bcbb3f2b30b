import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { startRedis, type Redis } from '@rapport/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisNames } from '../src/cache/redis-names.js';
import { ask, type HttpAnswer } from './ask.js';
import { KeepAliveClient, type PlainAnswer } from './keep-alive-client.js';
import { plainCacheAside } from './plain-cache-aside.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';
import { countStaleReads, type VersionedCache } from './stale-reads.js';

const cacheKey = randomBytes(32);
const shape = { readers: 40, writers: 6, keys: 50, writerPauseMs: 20 };

let redis: Redis;
let ores: RunningOres;
let edges: [RunningEdge, RunningEdge];

beforeAll(async () => {
  redis = await startRedis();
  ores = await startOres();
  edges = [await startEdge(), await startEdge()];
  await Promise.all(edges.map((edge) => untilItKeeps(edge)));
});

afterAll(async () => {
  await ores.stop();
  await redis.stop();
});

async function startEdge(): Promise<RunningEdge> {
  return ores.startEdge({ redisUrl: redis.url, cacheKey });
}

function headersOf(tenantId: string) {
  return { authorization: authorization(tenantId) };
}

async function get(edge: RunningEdge, tenantId: string, id = 'a'): Promise<HttpAnswer> {
  return ask(`${edge.url}/v1/ores/${id}`, { headers: headersOf(tenantId) });
}

async function write(edge: RunningEdge, tenantId: string, id = 'a'): Promise<HttpAnswer> {
  return ask(`${edge.url}/v1/ores/${id}`, { method: 'PATCH', headers: headersOf(tenantId), body: '{"name":"x"}' });
}

function versionOf({ body }: HttpAnswer): number {
  return (JSON.parse(body) as { version: number }).version;
}

/** It does from when it holds a lease. */
async function untilItKeeps(edge: RunningEdge): Promise<void> {
  const isHit = async () => (await get(edge, 'warm')).headers['cache-status']?.startsWith('rapport; hit');
  await vi.waitUntil(isHit, { timeout: 20_000 });
}

/** Readers and writers of one tenant, spread over both edges. */
function throughEdges(tenantId: string, seen: (answer: PlainAnswer) => void) {
  const clients = Array.from({ length: shape.readers + shape.writers }, (_, index) => {
    return new KeepAliveClient(edges[index % 2]?.port ?? 0, authorization(tenantId));
  });
  const send = async (client: number, method: string, key: number, body = '') => {
    const answer = await clients[client]?.send(method, `/v1/ores/k${key}`, body);
    if (!answer) throw new Error('There is no such client.');
    seen(answer);
    return answer.status === 200 ? (JSON.parse(answer.body) as { version: number }).version : 0;
  };
  const cache: VersionedCache = {
    read: (reader, key) => send(reader, 'GET', key),
    write: (writer, key) => send(shape.readers + writer, 'PATCH', key, '{"name":"x"}'),
  };
  return { cache, close: () => clients.forEach((client) => client.close()) };
}

describe('two edges behind one Redis', () => {
  it('never give a read that is older than an acknowledged write', { timeout: 600_000 }, async () => {
    ores.setDelay(() => Math.random() * 5);
    let hits = 0;
    const { cache, close } = throughEdges('t1', ({ head }) => {
      if (head.includes('rapport; hit')) hits++;
    });
    const result = await countStaleReads(cache, { ...shape, isOver: ({ reads }) => reads >= 150_000 });
    close();
    ores.setDelay(() => 0);
    expect(result).toMatchObject({ stale: 0, staleAtRest: 0 });
    expect(result.reads).toBeGreaterThanOrEqual(150_000);
    expect(result.writes).toBeGreaterThan(0);
    // A cache that keeps nothing is honest too.
    expect(hits).toBeGreaterThan(result.reads / 2);
  });

  it('would, as a plain cache-aside does under the same load', { timeout: 60_000 }, async () => {
    ores.setDelay(() => Math.random() * 5);
    for (let key = 0; key < shape.keys; key++) ores.writeBehind('t2', `k${key}`);
    const { close, ...cache } = await plainCacheAside(redis.url, ores, 't2');
    const result = await countStaleReads(cache, {
      ...shape,
      isOver: ({ reads, stale }) => stale > 0 || reads >= 1_000_000,
    });
    close();
    ores.setDelay(() => 0);
    expect(result.stale).toBeGreaterThan(0);
  });

  it('share what one of them has loaded, until somebody writes it', async () => {
    await write(edges[0], 't3');
    await get(edges[0], 't3');
    const third = await startEdge();
    await untilItKeeps(third);
    const calls = ores.calls.get('getOre');
    expect((await get(third, 't3')).headers['cache-status']).toMatch(/^rapport; hit; ttl=\d+; detail=redis$/);
    expect((await get(third, 't3')).headers['cache-status']).toMatch(/^rapport; hit; ttl=\d+$/);
    expect(ores.calls.get('getOre')).toBe(calls);
    await write(edges[1], 't3');
    for (const edge of [...edges, third]) expect(versionOf(await get(edge, 't3'))).toBe(2);
    await third.edge.app.close();
  });

  it('do not take from Redis what was loaded before a write and kept after it', async () => {
    await write(edges[0], 't4');
    const delays = [400];
    ores.setDelay(() => delays.shift() ?? 0);
    const calls = ores.calls.get('getOre') ?? 0;
    const slow = get(edges[0], 't4');
    await expect.poll(() => ores.calls.get('getOre')).toBe(calls + 1);
    await write(edges[1], 't4');
    expect(versionOf(await slow)).toBe(1);
    expect(versionOf(await get(edges[1], 't4'))).toBe(2);
    expect(versionOf(await get(edges[0], 't4'))).toBe(2);
  });

  it('have a write wait for an edge that does not answer until its lease ends, and no longer', async () => {
    const client = await createClient({ url: redis.url }).connect();
    const redisTimeMs = async () => {
      const [seconds, micros] = await client.time();
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    };
    const leaseEndsAt = Math.ceil(await redisTimeMs()) + 700;
    await client.zAdd(redisNames.leases, { score: leaseEndsAt, value: 'an edge that hangs' });
    const { status } = await write(edges[0], 't5');
    expect(status).toBe(200);
    expect(await redisTimeMs()).toBeGreaterThanOrEqual(leaseEndsAt);
    await client.zRem(redisNames.leases, 'an edge that hangs');
    client.destroy();
  });

  it('hear of a write whose edge has just lost its connection to Redis', { timeout: 60_000 }, async () => {
    const client = await createClient({ url: redis.url }).connect();
    const isKept = async () => (await get(edges[1], 't7')).headers['cache-status']?.startsWith('rapport; hit');
    for (let round = 1; round <= 10; round++) {
      await write(edges[0], 't7');
      await vi.waitUntil(isKept, { timeout: 20_000 });
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      await write(edges[0], 't7');
      expect(versionOf(await get(edges[1], 't7'))).toBe(2 * round);
    }
    client.destroy();
  });

  it(
    'answer everything honestly while Redis is frozen, and keep answers again within two seconds',
    { timeout: 60_000 },
    async () => {
      let phase: 'before' | 'frozen' | 'after' | 'over' = 'before';
      const counts = { failures: 0, hits: { before: 0, frozen: 0, after: 0, over: 0 } };
      const { cache, close } = throughEdges('t6', ({ status, head }) => {
        if (status >= 500) counts.failures++;
        if (head.includes('rapport; hit')) counts.hits[phase]++;
      });
      const stress = { ...shape, readerPauseMs: 100, writerPauseMs: 100, isOver: () => phase === 'over' };
      const running = countStaleReads(cache, stress);
      await wait(1_000);
      redis.freeze();
      // What holds a lease may be given until it ends.
      await wait(1_500);
      phase = 'frozen';
      await wait(8_500);
      redis.thaw();
      phase = 'after';
      // Two seconds in steps: a process that stands still, edges and readers alike, is not waited for less.
      for (let step = 0; step < 20; step++) await wait(100);
      phase = 'over';
      const result = await running;
      close();
      expect(result).toMatchObject({ stale: 0, staleAtRest: 0 });
      expect(counts.failures).toBe(0);
      expect(counts.hits.before).toBeGreaterThan(0);
      expect(counts.hits.frozen).toBe(0);
      expect(counts.hits.after).toBeGreaterThan(0);
    },
  );
});
