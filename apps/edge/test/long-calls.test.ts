import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startMinerals, type RunningMinerals } from './running-minerals.ts';

/** Age of a service's connection, in milliseconds: the default of `connectionAgeSeconds` and its jitter. */
const connectionAgeMs = 33_000;
/** Deadline of ExportMinerals, in milliseconds. */
const deadlineMs = 600_000;
const pieceBytes = 64 * 1024;

let minerals: RunningMinerals;

beforeAll(async () => {
  // No loop of an edge waits by these: they only bound calls, and no call of another test runs meanwhile.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  minerals = await startMinerals();
});
afterAll(async () => {
  vi.useRealTimers();
  await minerals.stop();
});

test('a call lasts until its deadline, although its connection accepts no new calls', async () => {
  // More than all buffers on the way hold.
  const pieces = 500;
  const answer = await open(`/v1/minerals/m1:export?pieces=${pieces}&watcher=long`);
  expect(await minerals.untilAtRest('long')).toBeLessThan(pieces);

  await vi.advanceTimersByTimeAsync(connectionAgeMs);
  // A later call makes the client notice that the connection ends.
  (await open('/v1/minerals/m1:export?pieces=1')).resume();
  await vi.advanceTimersByTimeAsync(deadlineMs - connectionAgeMs - 5_000);

  let bytes = 0;
  for await (const data of answer) bytes += (data as Buffer).length;
  expect(bytes).toBe(pieces * pieceBytes);
});

async function open(path: string): Promise<IncomingMessage> {
  const [answer] = (await once(get(minerals.url + path), 'response')) as [IncomingMessage];
  return answer;
}
