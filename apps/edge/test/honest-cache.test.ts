import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { redisNames } from '../src/cache/redis-names.js';
import { get, startEdgesBehindRedis, versionOf, write, type EdgesBehindRedis } from './edges-behind-redis.js';
import type { RunningEdge, RunningOres } from './running-ores.js';

let running: EdgesBehindRedis;
let ores: RunningOres;
let edges: [RunningEdge, RunningEdge];

beforeAll(async () => {
  running = await startEdgesBehindRedis();
  ({ ores, edges } = running);
});
afterAll(() => running.stop());

async function connectToRedis() {
  const client = await createClient({ url: running.redis.url }).connect();
  onTestFinished(() => client.destroy());
  return client;
}

describe('two edges behind one Redis', () => {
  it('share an answer that one of them has loaded, until a write', async () => {
    await write(edges[0], 't3');
    await get(edges[0], 't3');
    const third = await running.startEdge();
    const calls = ores.calls.get('getOre');
    expect((await get(third, 't3')).headers['cache-status']).toMatch(/^rapport; hit; ttl=\d+; detail=redis$/);
    expect((await get(third, 't3')).headers['cache-status']).toMatch(/^rapport; hit; ttl=\d+$/);
    expect(ores.calls.get('getOre')).toBe(calls);
    await write(edges[1], 't3');
    for (const edge of [...edges, third]) expect(versionOf(await get(edge, 't3'))).toBe(2);
    await third.edge.app.close();
  });

  it('do not use an answer in Redis that was loaded before a write and stored after it', async () => {
    await write(edges[0], 't4');
    const { promise: written, resolve: release } = Promise.withResolvers<void>();
    const delays = [written];
    ores.setDelay(() => delays.shift() ?? 0);
    const calls = ores.calls.get('getOre') ?? 0;
    const slow = get(edges[0], 't4');
    await expect.poll(() => ores.calls.get('getOre')).toBe(calls + 1);
    await write(edges[1], 't4');
    release();
    expect(versionOf(await slow)).toBe(1);
    expect(versionOf(await get(edges[1], 't4'))).toBe(2);
    expect(versionOf(await get(edges[0], 't4'))).toBe(2);
  });

  it('make a write wait for an unresponsive edge until its lease ends, and no longer', async () => {
    const client = await connectToRedis();
    const redisTimeMs = async () => {
      const [seconds, micros] = await client.time();
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    };
    // The write must not be acknowledged before the lease ends, and nothing delays it afterwards.
    const leaseEndsAt = Math.ceil(await redisTimeMs()) + 700;
    await client.zAdd(redisNames.leases, { score: leaseEndsAt, value: 'an edge that hangs' });
    const { status } = await write(edges[0], 't5');
    expect(status).toBe(200);
    // An order of events: the lease has ended by Redis' clock, which decides.
    expect(await redisTimeMs()).toBeGreaterThanOrEqual(leaseEndsAt);
    await client.zRem(redisNames.leases, 'an edge that hangs');
  });

  it('receive a write whose edge has just lost its connection to Redis', { timeout: 60_000 }, async () => {
    const client = await connectToRedis();
    const isKept = async () => (await get(edges[1], 't7')).headers['cache-status']?.startsWith('rapport; hit');
    for (let round = 1; round <= 3; round++) {
      await write(edges[0], 't7');
      await vi.waitUntil(isKept, { timeout: 20_000 });
      await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      await write(edges[0], 't7');
      expect(versionOf(await get(edges[1], 't7'))).toBe(2 * round);
    }
  });
});
