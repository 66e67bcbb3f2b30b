import { randomBytes } from 'node:crypto';
import { platformContract } from '@rapport/contracts';
import { createLogger } from '@rapport/platform';
import { startRedis, type Redis } from '@rapport/testing';
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEdgeCache } from '../src/cache/edge-cache.js';
import { RedisAnswers } from '../src/cache/redis-answers.js';
import { RedisEdges } from '../src/cache/redis-edges.js';
import { leaseMs } from '../src/cache/redis-lease.js';
import { redisNames } from '../src/cache/redis-names.js';
import { createRedis, type RedisLink } from '../src/redis/redis.js';
import type { ServiceClients } from '../src/calls/service-clients.js';

const logger = createLogger('test', 'silent');
const cacheKey = randomBytes(32);

let redis: Redis;
let operator: Awaited<ReturnType<typeof connect>>;
let link: RedisLink;
let edges: RedisEdges[] = [];

beforeAll(async () => {
  redis = await startRedis();
  operator = await connect();
});

beforeEach(async () => {
  link = await createRedis(redis.url, logger);
});

afterEach(async () => {
  await Promise.all(edges.map((edge) => edge.close()));
  edges = [];
  link.close();
  await operator.flushAll();
});

afterAll(async () => {
  operator.destroy();
  await redis.stop();
});

async function connect() {
  return createClient({ url: redis.url }).connect();
}

function newEdge(): RedisEdges {
  const edge = new RedisEdges(
    link,
    logger,
    () => undefined,
    () => undefined,
  );
  edges.push(edge);
  return edge;
}

async function heldEdge(): Promise<RedisEdges> {
  const edge = newEdge();
  await untilHeld(edge);
  return edge;
}

async function untilHeld(edge: RedisEdges): Promise<void> {
  await vi.waitUntil(() => edge.lease.isHeld, { timeout: 10_000 });
}

async function redisTimeMs(): Promise<number> {
  const [seconds, micros] = await operator.time();
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}

async function acknowledge(edge: RedisEdges): Promise<void> {
  await (
    await edge.invalidate(['t/ore:1'])
  ).acknowledged;
}

/** Stores an answer for other edges. @returns whether the next lookup finds it */
async function keepAnswer(): Promise<() => Promise<boolean>> {
  const answers = new RedisAnswers(link, cacheKey, logger);
  const look = async () => answers.look('t', '/ores/1', ['t/ore:1']);
  (await look())?.keep(Buffer.from('{}'), '"1"', 60_000);
  const isFound = async () => (await look())?.found !== undefined;
  await expect.poll(isFound).toBe(true);
  return isFound;
}

describe('a write is acknowledged', () => {
  it('while Redis accepts no writes, by an edge without a lease, until it accepts them again', async () => {
    const edge = await heldEdge();
    await operator.configSet('min-replicas-to-write', '1');
    await acknowledge(edge);
    expect(edge.lease.isHeld).toBe(false);
    await operator.configSet('min-replicas-to-write', '0');
    await untilHeld(edge);
  });

  it('while Redis is full, invalidates cached answers, and costs no lease', async () => {
    const edge = await heldEdge();
    const isFound = await keepAnswer();
    await operator.configSet('maxmemory', '1');
    await acknowledge(edge);
    expect(edge.lease.isHeld).toBe(true);
    await operator.configSet('maxmemory', '0');
    expect(await isFound()).toBe(false);
  });

  it('while Redis refuses only to delete nonces, by an edge without a lease', async () => {
    const edge = await heldEdge();
    await operator.sendCommand(['ACL', 'SETUSER', 'default', '-del']);
    await acknowledge(edge);
    const isHeld = edge.lease.isHeld;
    await operator.sendCommand(['ACL', 'SETUSER', 'default', '+del']);
    expect(isHeld).toBe(false);
    await untilHeld(edge);
  });

  it('when every lease has ended that Redis may have lost, by an edge without a lease', async () => {
    await heldEdge();
    await operator.flushAll();
    const lostAt = await redisTimeMs();
    await acknowledge(newEdge());
    // An order: the lease has ended by Redis' clock, which decides about it.
    expect(await redisTimeMs()).toBeGreaterThanOrEqual(lostAt + leaseMs);
  });

  it('when every lease has ended that Redis may have lost, by an edge that has renewed its own', async () => {
    const edge = await heldEdge();
    await operator.flushAll();
    const lostAt = await redisTimeMs();
    await expect.poll(() => operator.exists(redisNames.leases)).toBe(1);
    await acknowledge(edge);
    // An order: the lease has ended by Redis' clock, which decides about it.
    expect(await redisTimeMs()).toBeGreaterThanOrEqual(lostAt + leaseMs);
  });
});

describe('an answer whose invalidations an edge may have missed', () => {
  it('is not used from Redis after its change log restarted', async () => {
    const isFound = await keepAnswer();
    const clients = {
      for: () => ({
        async *duplex(_path: string, _requests: unknown, { signal }: { signal: AbortSignal }) {
          yield { changes: [], cursor: 'a' };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      }),
    } as unknown as ServiceClients;
    const contract = platformContract();
    const cache = createEdgeCache({ redis: link, contract, clients, logger });
    await expect.poll(isFound).toBe(false);
    await cache.close();
  });

  it('is not used before it is voided, when Redis was unreachable at the invalidation', async () => {
    const edge = await heldEdge();
    const isFound = await keepAnswer();
    redis.freeze();
    await edge.voidAll();
    expect(edge.lease.isHeld).toBe(false);
    redis.thaw();
    await untilHeld(edge);
    expect(await isFound()).toBe(false);
  });
});
