import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FreezingProxy } from './freezing-proxy.ts';
import { startMinerals, type RunningMinerals } from './running-minerals.ts';

let minerals: RunningMinerals;
let proxy: FreezingProxy;

beforeAll(async () => {
  minerals = await startMinerals((address) => {
    proxy = new FreezingProxy(address);
    return proxy.listen();
  });
});
afterAll(async () => {
  proxy.close();
  await minerals.stop();
});

test('a feed that blocks its connection delays no other call', async () => {
  expect((await fetch(`${minerals.url}/v1/minerals/m1`)).status).toBe(200);
  const feed = await open('/v1/minerals:watch?count=1000000&watcher=unread');
  await minerals.untilAtRest('unread');

  proxy.freezeBusiest();

  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => fetch(`${minerals.url}/v1/minerals/m${n}`)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  feed.destroy();
});

async function open(path: string): Promise<IncomingMessage> {
  const [answer] = (await once(get(minerals.url + path), 'response')) as [IncomingMessage];
  return answer;
}
