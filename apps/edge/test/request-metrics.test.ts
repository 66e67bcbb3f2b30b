import { createLogger, metrics } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, ordinary } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  ores.writeBehind('t1', 'a');
  edge = await ores.startEdge({}, createLogger('edge', 'silent'));
});

afterAll(() => ores.stop());

async function send(method: string, path: string, more: Record<string, string> = {}): Promise<number> {
  const headers = { authorization: authorization('t1'), ...more };
  return (await ask(`${edge.url}${path}`, { method, headers })).status;
}

/** Value of a series whose text begins so. */
async function read(series: string): Promise<number> {
  const line = (await metrics.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}

test('each answer of an operation is counted once, from the cache, by its service and as a refusal', async () => {
  const ok = 'rapport_http_requests_total{operation="GetOre",status="2xx"}';
  const refused = 'rapport_http_requests_total{operation="GetOre",status="4xx"}';
  const durations = 'rapport_http_request_seconds_count{operation="GetOre"}';
  const all = async () => [await read(ok), await read(refused), await read(durations)];
  const [okBefore = 0, refusedBefore = 0, durationsBefore = 0] = await all();

  expect(await send('GET', '/v1/ores/a')).toBe(200);
  for (let hit = 0; hit < 3; hit += 1) expect(await send('GET', '/v1/ores/a')).toBe(200);
  expect(await send('GET', '/v1/ores/a', ordinary)).toBe(200);
  expect(await send('GET', '/v1/ores/a', { 'cache-control': 'no-cache' })).toBe(200);
  expect(await send('GET', '/v1/ores/a?unknown=1')).toBe(400);

  await expect.poll(all).toEqual([okBefore + 6, refusedBefore + 1, durationsBefore + 7]);
});

test('a duration is in each bucket from its own on, and what is no operation is not counted', async () => {
  ores.setDelay(() => 60);
  const bucket = (le: string) => read(`rapport_http_request_seconds_bucket{le="${le}",operation="GetOre"}`);
  const below = await bucket('0.05');
  const counts = () => Promise.all(['0.05', '10', '+Inf'].map(bucket));
  const [, tenBefore = 0] = await counts();

  expect(await send('GET', '/v1/ores/a', { 'cache-control': 'no-cache' })).toBe(200);
  expect(await send('GET', '/v1/nothing')).toBe(404);
  expect((await ask(`${edge.url}/livez`)).status).toBe(200);
  ores.setDelay(() => 0);

  await expect.poll(counts).toEqual([below, tenBefore + 1, tenBefore + 1]);
  expect(await metrics.metrics()).not.toMatch(/operation="(?!\w)|operation="(?:unknown|undefined)"/);
});
