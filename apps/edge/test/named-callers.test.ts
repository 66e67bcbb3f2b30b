import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  edge = await ores.startEdge();
});
afterAll(async () => ores.stop());

/** Whether the answers for users of a new tenant, one after the other, come from the cache. */
async function hits(filter: string, users: readonly string[]): Promise<boolean[]> {
  const tenantId = crypto.randomUUID();
  const found: boolean[] = [];
  for (const user of users) {
    const headers = { authorization: authorization(tenantId, 'ores.read', user) };
    const answer = await ask(`${edge.url}/v1/ores?filter=${filter}`, { headers });
    expect(answer.status).toBe(200);
    found.push(answer.headers['cache-status']?.startsWith('rapport; hit') ?? false);
  }
  return found;
}

it.each(['ownerId=me', 'a%20=%20me', 'a=%6De', 'a:m%65', 'a+%3Dme+b=1', 'a+IN(1,me)', 'a=ME'])(
  'a cached answer whose filter may name the caller is served to no other user with the same rights: %s',
  async (filter) => {
    expect(await hits(filter, ['ada', 'bo', 'ada', 'bo'])).toEqual([false, false, true, true]);
  },
);

it.each(['name=x', 'createTime>now', 'name=me2', 'name=some', '%4dem=1'])(
  'a cached answer whose filter does not is shared: %s',
  async (filter) => {
    expect(await hits(filter, ['ada', 'bo'])).toEqual([false, true]);
  },
);
