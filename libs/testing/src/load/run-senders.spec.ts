import { afterEach, expect, test, vi } from 'vitest';
import { runSenders, type Sender } from './run-senders.js';

afterEach(() => void vi.useRealTimers());

test('counts the time that requests at a fixed rate wait behind a slow one', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  const slowOnce: Sender = (index, done) => {
    if (index === 0) setTimeout(done, 200, 200);
    else queueMicrotask(() => done(200));
  };

  const running = runSenders([slowOnce], { atOnce: 1, durationMs: 400, perSecond: 100, everyLatency: true });
  await vi.advanceTimersByTimeAsync(400);
  const { latenciesMs } = await running;

  expect(latenciesMs).toHaveLength(40);
  // Half of them were due while the first was in flight, the last of those 10 ms before its answer.
  const waited = latenciesMs.slice(20).map((latency) => Math.round(latency / 10) * 10);
  expect([...waited]).toEqual(Array.from({ length: 20 }, (_, n) => (n + 1) * 10));
  // With a fake clock.
  expect(latenciesMs[19]).toBeLessThan(5);
});

test('omits that time in a closed loop', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const slowOnce: Sender = (index, done) => {
    vi.advanceTimersByTime(index === 0 ? 50 : 1);
    done(200);
  };

  const result = await runSenders([slowOnce], { atOnce: 1, durationMs: 100 });

  expect(result).toMatchObject({ requests: 51, p50Ms: 1, maxMs: 50 });
});

test('has no more requests in flight than senders', async () => {
  let [inFlight, most] = [0, 0];
  const sender: Sender = (_index, done) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    setTimeout(() => {
      inFlight -= 1;
      done(200);
    }, 1);
  };

  const result = await runSenders([sender, sender, sender], {
    atOnce: 3,
    durationMs: 20,
    perSecond: 20_000,
    precise: true,
  });

  expect(result.requests).toBe(400);
  expect(most).toBe(3);
});

test('counts answers by status, and returns every latency on request', async () => {
  const sender: Sender = (index, done) => void setImmediate(done, index % 2 === 0 ? 200 : 503);

  const result = await runSenders([sender], { atOnce: 1, durationMs: 10, perSecond: 1_000, everyLatency: true });

  expect(result.statuses).toEqual({ 200: 5, 503: 5 });
  expect(result.latenciesMs).toHaveLength(10);
});
