import { status } from '@grpc/grpc-js';
import { metrics } from '@rapport/platform';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const headers = { authorization: authorization('t1'), 'cache-control': 'no-cache' };
let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  // Its calls take long, like a long poll.
  const updateOre = ores.contract.method('/rapport.sample.v1.OresService/UpdateOre');
  if (updateOre) updateOre.policy.deadlineMs = 40_000;
});
beforeEach(async () => {
  edge = await ores.startEdge();
});
afterAll(() => ores.stop());

async function statusOf(path: string, method = 'GET'): Promise<number> {
  return (await ask(`${edge.url}${path}`, { method, headers, ...(method === 'GET' ? {} : { body: '{"name":"x"}' }) }))
    .status;
}

async function breakerState(): Promise<number | undefined> {
  const metric = await metrics.getSingleMetric('rapport_breaker_state')?.get();
  return metric?.values.find(({ labels }) => labels['service'] === 'sample')?.value;
}

/** Stops the service, and sends writes, which are not retried, until the breaker is open. */
async function breakCircuit(): Promise<void> {
  ores.stopService();
  const write = () => statusOf('/v1/ores', 'POST');
  await expect.poll(() => Promise.all(Array.from({ length: 20 }, write)).then(breakerState)).toBe(1);
}

test('once a service answers again, no request waits for one of its long calls', async () => {
  await breakCircuit();
  await ores.startService();
  const release = ores.hold('updateOre');
  ores.calls.clear();
  const lasting: Promise<number>[] = [];

  await expect
    .poll(() => (lasting.push(statusOf('/v1/ores/a', 'PATCH')), ores.calls.get('updateOre') ?? 0))
    .toBeGreaterThan(0);

  const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf('/v1/ores')));
  expect(statuses).toEqual(Array(20).fill(200));
  release();
  expect(await Promise.all(lasting)).toContain(200);
});

test('refusals while a service is down spend none of the retries that it needs afterwards', async () => {
  await breakCircuit();
  const refused = await Promise.all(Array.from({ length: 30 }, () => statusOf('/v1/ores')));
  await ores.startService();
  await expect.poll(() => statusOf('/v1/ores')).toBe(200);

  const answers: number[] = [];
  for (let lost = 0; lost < 3; lost += 1) {
    ores.failNext('listOres', { code: status.UNAVAILABLE, isDone: false, isLost: true });
    answers.push(await statusOf('/v1/ores'));
  }

  expect(refused).toEqual(Array(30).fill(503));
  expect(answers).toEqual([200, 200, 200]);
});
