import { expect, test } from 'vitest';
import { runLanes, type Lane } from './run-lanes.js';

/** A server that does one request at a time: the first takes long, the others no time. */
function stallingOnce(stallMs: number): Lane {
  return (index, done) => {
    if (index === 0) setTimeout(done, stallMs, 200);
    else setImmediate(done, 200);
  };
}

test('counts the time that requests at a fixed rate wait behind a slow one', async () => {
  const pace = { atOnce: 1, durationMs: 400, perSecond: 100, everyLatency: true };

  const { latenciesMs } = await runLanes([stallingOnce(200)], pace);

  expect(latenciesMs).toHaveLength(40);
  // Half of them were due while the first was under way, the last of those 10 ms before its answer.
  expect(latenciesMs.filter((latency) => latency > 9).length).toBeGreaterThanOrEqual(20);
});

test('leaves that time out in a closed loop, which is why there are both', async () => {
  const result = await runLanes([stallingOnce(50)], { atOnce: 1, durationMs: 100 });

  expect(result.requests).toBeGreaterThan(2);
  expect(result.p50Ms).toBeLessThan(result.maxMs / 2);
});

test('has no more requests under way than lanes', async () => {
  let [underWay, most] = [0, 0];
  const lane: Lane = (_index, done) => {
    underWay += 1;
    most = Math.max(most, underWay);
    setTimeout(() => {
      underWay -= 1;
      done(200);
    }, 1);
  };

  const result = await runLanes([lane, lane, lane], { atOnce: 3, durationMs: 20, perSecond: 20_000, precise: true });

  expect(result.requests).toBe(400);
  expect(most).toBe(3);
});

test('counts answers by status, and gives every latency to who asks', async () => {
  const lane: Lane = (index, done) => void setImmediate(done, index % 2 === 0 ? 200 : 503);

  const result = await runLanes([lane], { atOnce: 1, durationMs: 10, perSecond: 1_000, everyLatency: true });

  expect(result.statuses).toEqual({ 200: 5, 503: 5 });
  expect(result.latenciesMs).toHaveLength(10);
});
