import { expect, it } from 'vitest';
import { ask } from './ask.js';
import { sharedMinerals } from './running-minerals.js';

const minerals = await sharedMinerals();

it.each([
  [-0.001, 'TOO_SMALL'],
  [25.001, 'TOO_LARGE'],
])('a fraction of %d is held to the range of the contract, by the edge and by the service', async (density, code) => {
  const mineral = { name: 'quartz', density };
  const answer = await ask(`${minerals.url}/v1/minerals`, { method: 'POST', body: JSON.stringify(mineral) });
  const past = minerals.client.unary(
    '/rapport.sample.v1.MineralsService/CreateMineral',
    { mineral: { ...mineral, id: '', etag: '', synonyms: [] } },
    { context: { requestId: 'r' }, deadlineMs: 5_000 },
  );

  expect([answer.status, JSON.parse(answer.body)]).toEqual([
    400,
    expect.objectContaining({ errors: [expect.objectContaining({ pointer: '/density', code })] }),
  ]);
  await expect(past).rejects.toMatchObject({ violations: [{ field: 'mineral.density', reason: code }] });
});

it('a fraction within the range passes', async () => {
  for (const density of [0, 0.5, 25]) {
    const body = JSON.stringify({ name: 'quartz', density });
    expect((await ask(`${minerals.url}/v1/minerals`, { method: 'POST', body })).status).toBe(201);
  }
});
