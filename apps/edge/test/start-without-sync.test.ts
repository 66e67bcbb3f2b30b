import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { authorization, startOres, type RunningOres } from './running-ores.js';

let ores: RunningOres;

beforeAll(async () => {
  ores = await startOres();
});
afterAll(() => ores.stop());

it('an edge that starts during an outage of sync waits for it for half a minute, and then serves all else', async () => {
  // Nothing listens there.
  const { url } = await ores.startEdge({ addresses: new Map([...ores.addresses, ['sync', '127.0.0.1:1']]) });
  const probe = async () => {
    const answer = await fetch(`${url}/readyz`);
    return { status: answer.status, body: await answer.json() };
  };
  const waiting = { status: 503, body: { status: 'unavailable', missing: ['sync'] } };
  await expect.poll(probe, { timeout: 10_000 }).toEqual(waiting);

  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 30_000);
  onTestFinished(() => clock.mockRestore());

  expect(await probe()).toEqual({ status: 200, body: { status: 'degraded', missing: ['sync'] } });
  const { status } = await fetch(`${url}/v1/ores`, { headers: { authorization: authorization('t1') } });
  expect(status).toBe(200);
});
