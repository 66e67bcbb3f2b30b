import { startRedis, type Redis } from '@rapport/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let redis: Redis;
let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  redis = await startRedis();
  ores = await startOres();
  edge = await ores.startEdge({ redisUrl: redis.url });
  ores.writeBehind('t1', 'a');
});
afterEach(() => vi.useRealTimers());
afterAll(async () => {
  await ores.stop();
  await redis.stop();
});

const read = () => ask(`${edge.url}/v1/ores/a`, { headers: { authorization: authorization('t1') } });
const isHit = async () => (await read()).headers['cache-status']?.startsWith('rapport; hit');

it('an edge whose wall clock shows a pause of its machine serves no answer that was cached before', async () => {
  await vi.waitUntil(isHit, { timeout: 20_000 });

  // After a pause, the wall clock of a virtual machine is corrected; its monotonic clock is not.
  ores.writeBehind('t1', 'a');
  vi.setSystemTime(Date.now() + 5_000);
  expect(JSON.parse((await read()).body)).toMatchObject({ version: 2 });
  await vi.waitUntil(isHit, { timeout: 20_000 });
});
