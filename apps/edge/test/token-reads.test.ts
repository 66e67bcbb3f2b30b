import { randomBytes } from 'node:crypto';
import { startRedis, type Redis } from '@rapport/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const rounds = 40;
const headers = { authorization: authorization('t1') };

let redis: Redis;
let ores: RunningOres;
/** Edges that share answers. */
let loading: RunningEdge;
let reading: RunningEdge;

beforeAll(async () => {
  redis = await startRedis();
  ores = await startOres();
  const cacheKey = randomBytes(32);
  [loading, reading] = await Promise.all([
    ores.startEdge({ redisUrl: redis.url, cacheKey }),
    ores.startEdge({ redisUrl: redis.url, cacheKey }),
  ]);
  ores.writeBehind('t1', 'warm');
  // They share answers once they hold leases.
  for (const edge of [loading, reading]) {
    const isHit = async () => (await read(edge, 'warm')).headers['cache-status']?.startsWith('rapport; hit');
    await vi.waitUntil(isHit, { timeout: 20_000 });
  }
});
afterAll(async () => {
  await ores.stop();
  await redis.stop();
});

function read(edge: RunningEdge, id: string, token?: string) {
  const sent = token === undefined ? headers : { ...headers, 'rapport-consistency-token': token };
  return ask(`${edge.url}/v1/ores/${id}`, { headers: sent });
}

it('a read with a consistency token never joins a load that is answered with an older one of another edge', async () => {
  const seen: unknown[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const id = `a${round}`;
    ores.writeBehind('t1', id);
    await read(loading, id);
    // A write past every edge.
    ores.writeBehind('t1', id);

    // From now on a read with this token gets no answer whose load began before.
    const token = `token-${round}`;
    await read(reading, 'warm', token);

    const reads = Array.from({ length: 6 }, (_, index) => read(reading, id, index < 3 ? undefined : token));
    const answers = await Promise.all(reads);
    seen.push(...answers.slice(3).map(({ body }) => (JSON.parse(body) as { version: number }).version));
  }

  expect(seen).toEqual(Array.from({ length: rounds * 3 }, () => 2));
});
