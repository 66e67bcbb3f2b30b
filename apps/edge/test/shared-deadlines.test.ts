import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const deadlineMs = 4_000;
/** Less than the edge waits for auth, which is 3 s. */
const authMs = 2_500;
let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  const getOre = ores.contract.method('/rapport.sample.v1.OresService/GetOre');
  if (getOre) getOre.policy.deadlineMs = deadlineMs;
  edge = await ores.startEdge();
});
afterAll(() => ores.stop());

test('a read near its deadline does not end another that waits for the same answer', async () => {
  ores.writeBehind('t1', 'a');
  const authenticate = ores.hold('authenticateApiKey');
  const read = (scheme: string) => ask(`${edge.url}/v1/ores/a`, { headers: { authorization: keyOf(scheme) } });
  const late = read('Bearer');
  // Until auth answers, its time passes.
  setTimeout(authenticate, authMs);
  const answer = ores.hold('getOre');
  await expect.poll(() => ores.calls.get('getOre')).toBe(1);
  const early = read('bearer');

  expect((await late).status).toBe(504);
  answer();

  expect((await early).status).toBe(200);
  expect(ores.calls.get('getOre')).toBe(1);
});

/** The same key in different spellings, each of which is one call to auth. */
function keyOf(scheme: string): string {
  return authorization('t1').replace('Bearer', scheme);
}
