import { randomBytes } from 'node:crypto';
import { startRedis, type Redis } from '@rapport/testing';
import { vi } from 'vitest';
import { ask, type HttpAnswer } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

/** A service of records, and edges that share cached answers of it in one Redis. */
export interface EdgesBehindRedis {
  redis: Redis;
  ores: RunningOres;
  /** Two that already cache answers. */
  edges: [RunningEdge, RunningEdge];
  /** One more, which already caches answers too. */
  startEdge: () => Promise<RunningEdge>;
  stop: () => Promise<void>;
}

export async function startEdgesBehindRedis(): Promise<EdgesBehindRedis> {
  const redis = await startRedis();
  const ores = await startOres();
  ores.writeBehind('warm', 'a');
  const cacheKey = randomBytes(32);
  const startEdge = async () => {
    const edge = await ores.startEdge({ redisUrl: redis.url, cacheKey });
    await untilKeeps(edge);
    return edge;
  };
  return {
    redis,
    ores,
    edges: await Promise.all([startEdge(), startEdge()]),
    startEdge,
    stop: async () => {
      redis.thaw();
      await ores.stop();
      await redis.stop();
    },
  };
}

export async function get(edge: RunningEdge, tenantId: string, id = 'a'): Promise<HttpAnswer> {
  return ask(`${edge.url}/v1/ores/${id}`, { headers: { authorization: authorization(tenantId) } });
}

export async function write(edge: RunningEdge, tenantId: string, id = 'a'): Promise<HttpAnswer> {
  const headers = { authorization: authorization(tenantId) };
  return ask(`${edge.url}/v1/ores/${id}`, { method: 'PATCH', headers, body: '{"name":"x"}' });
}

export function versionOf({ body }: HttpAnswer): number {
  return (JSON.parse(body) as { version: number }).version;
}

/** Waits until an edge holds a lease, and so caches answers. */
async function untilKeeps(edge: RunningEdge): Promise<void> {
  await untilStatus(edge, 'rapport; hit');
}

/** Waits until an edge no longer holds its lease. */
export async function untilKeepsNothing(edge: RunningEdge): Promise<void> {
  await untilStatus(edge, 'rapport; fwd=bypass');
}

async function untilStatus(edge: RunningEdge, status: string): Promise<void> {
  const isSeen = async () => (await get(edge, 'warm')).headers['cache-status']?.startsWith(status) === true;
  await vi.waitUntil(isSeen, { timeout: 20_000 });
}
