import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WorkerLoop, type WorkerLoopOptions, type WorkerPass } from './worker-loop.js';

const intervalMs = 1_000;
const passes: WorkerPass[] = [];
const outages: unknown[] = [];
let loop: WorkerLoop;
let outcome: () => Promise<number | undefined>;

function startLoop(options: Partial<WorkerLoopOptions> = {}): void {
  const pass = (given: WorkerPass) => {
    passes.push(given);
    return outcome();
  };
  loop = new WorkerLoop({ pass, intervalMs, onOutage: (error) => outages.push(error), ...options });
  loop.start();
}

beforeEach(() => {
  vi.useFakeTimers();
  passes.length = 0;
  outages.length = 0;
  outcome = () => Promise.resolve(undefined);
});

afterEach(async () => {
  await loop.stop();
  vi.useRealTimers();
});

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('waits longer when passes find nothing, until one finds something or the loop is woken', async () => {
  const quietIntervalMs = 4 * intervalMs;
  startLoop({ quietIntervalMs });
  const msToNextPass = async (): Promise<number> => {
    const { length } = passes;
    let ms = 0;
    for (; passes.length === length; ms += 100) await after(100);
    return ms;
  };
  const waitAfter = async (ms: number): Promise<number> => {
    await after(ms);
    await msToNextPass();
    return msToNextPass();
  };

  expect(await waitAfter(0)).toBe(intervalMs);
  expect(await waitAfter(100 * intervalMs)).toBe(quietIntervalMs);
  loop.wake();
  expect(await waitAfter(0)).toBe(intervalMs);
  await after(100 * intervalMs);
  outcome = () => Promise.resolve(intervalMs);
  expect(await waitAfter(quietIntervalMs)).toBe(intervalMs);
});

test('runs a pass at the start and one after each interval', async () => {
  startLoop();

  await after(intervalMs - 1);
  expect(passes).toHaveLength(1);
  await after(1 + intervalMs);
  expect(passes).toHaveLength(3);
});

test('waits for the interval before the first pass when it starts idle', async () => {
  startLoop({ startsIdle: true });

  await after(intervalMs - 1);
  expect(passes).toHaveLength(0);
  await after(1);
  expect(passes).toHaveLength(1);
});

test('waits for as long as the pass returns', async () => {
  outcome = () => Promise.resolve(passes.length < 3 ? 0 : 5_000);
  startLoop();

  await after(4_999);
  expect(passes).toHaveLength(3);
  await after(1);
  expect(passes).toHaveLength(4);
});

test('runs a pass at once when it is woken, and the pass receives that', async () => {
  startLoop();
  await after(0);

  loop.wake();
  await after(0);

  expect(passes.map(({ isWoken }) => isWoken)).toEqual([false, true]);
});

test('is idle from a pass that finds nothing to the next wake, and only then woken if idle', async () => {
  outcome = () => Promise.resolve(passes.length === 1 ? intervalMs : undefined);
  startLoop();
  expect(loop.wakeIfIdle()).toBe(false);
  await after(0);
  expect(loop.wakeIfIdle()).toBe(false);
  await after(intervalMs);
  expect(passes).toHaveLength(2);

  expect(loop.wakeIfIdle()).toBe(true);
  await after(0);
  expect(passes).toHaveLength(3);
  outcome = () => Promise.reject(new Error('away'));
  loop.wake();
  await after(0);
  expect(loop.wakeIfIdle()).toBe(false);
});

test('runs one more pass when it is woken during a pass, and no two at a time', async () => {
  const first = Promise.withResolvers<undefined>();
  outcome = () => (passes.length === 1 ? first.promise : Promise.resolve(undefined));
  startLoop();

  loop.wake();
  loop.wake();
  await after(10 * intervalMs);
  expect(passes).toHaveLength(1);
  first.resolve(undefined);
  await after(0);
  expect(passes).toHaveLength(2);
});

test('retries a failed pass after the pause of a failure, also when it was woken during the pass', async () => {
  outcome = () => {
    loop.wake();
    return Promise.reject(new Error('away'));
  };
  startLoop({ retryMs: 200 });

  await after(199);
  expect(passes).toHaveLength(1);
  await after(1);
  expect(passes).toHaveLength(2);
});

test('reports an outage once, and the next one again', async () => {
  outcome = () => Promise.reject(new Error(`failure ${passes.length}`));
  startLoop();
  await after(3 * intervalMs);
  expect(loop.isFailing).toBe(true);

  outcome = () => Promise.resolve(undefined);
  await after(intervalMs);
  expect(loop.isFailing).toBe(false);
  outcome = () => Promise.reject(new Error(`failure ${passes.length}`));
  await after(2 * intervalMs);

  expect(outages).toEqual([new Error('failure 1'), new Error('failure 6')]);
});

test('a pass that runs on ends the outage, and a failure elsewhere counts too', async () => {
  startLoop();
  await after(0);

  loop.failed(new Error('away'));
  expect(loop.isFailing).toBe(true);
  expect(loop.succeeded()).toBe(true);
  expect(loop.succeeded()).toBe(false);
  expect(outages).toEqual([new Error('away')]);
});

test('stops after the running pass, whose signal is aborted, and reports no error of stopping', async () => {
  outcome = () =>
    new Promise((_, reject) => {
      passes.at(-1)?.signal.addEventListener('abort', () => reject(new Error('stopped')));
    });
  startLoop();
  await after(0);

  await loop.stop();
  loop.wake();
  await after(10 * intervalMs);

  expect(loop.signal.aborted).toBe(true);
  expect(passes).toHaveLength(1);
  expect(outages).toEqual([]);
});

test('stops at once while it waits', async () => {
  startLoop();
  await after(0);

  await expect(loop.stop()).resolves.toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
