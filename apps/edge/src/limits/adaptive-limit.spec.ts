import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AdaptiveLimit } from './places.js';

/** Calls become slow between two ticks of the timer, which begins with the first of them. */
const slowCallMs = 60_250;
let limit: AdaptiveLimit;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  limit = new AdaptiveLimit(1_000, slowCallMs);
});
afterEach(() => {
  limit.close();
  vi.useRealTimers();
});

function start(count: number): (() => void)[] {
  return Array.from({ length: count }, () => limit.watch());
}

/** Starts calls, none of which is slow because their clock stands still, and makes the event loop late once. */
async function startBeforeLateLoop(count: number): Promise<void> {
  limit.close();
  limit = new AdaptiveLimit(1_000, 250);
  start(count);
  // It measures the same as the limit's own histogram.
  const seen = monitorEventLoopDelay({ resolution: 20 });
  seen.enable();
  while (seen.count === 0) await turn();
  for (const end = Date.now() + 300; Date.now() < end;);
  while (seen.max < 250e6) await turn();
  seen.disable();
}

/** The timer's next tick. */
function nextInterval(): void {
  vi.advanceTimersToNextTimer();
}

describe('an adaptive limit', () => {
  it('is at its maximum while calls are answered in time, however many they are', () => {
    for (const answered of start(900)) answered();
    nextInterval();

    expect(limit.current).toBe(1_000);
  });

  it('falls when calls were slow', () => {
    const calls = start(100);
    vi.advanceTimersByTime(slowCallMs + 1);
    const before = limit.current;
    for (const answered of calls) answered();
    nextInterval();

    expect([before, limit.current]).toEqual([1_000, 500]);
  });

  it('falls by at most half at once, so that one bad moment does not refuse many', () => {
    start(10);
    vi.advanceTimersByTime(slowCallMs - 1);
    const before = limit.current;
    nextInterval();
    const after = limit.current;

    expect([before, after]).toEqual([1_000, 500]);
  });

  it('falls to its minimum while nothing is answered at all', () => {
    start(100);
    vi.advanceTimersByTime(slowCallMs * 2);

    expect(limit.current).toBe(10);
  });

  it('does not fall for a few slow calls among many', () => {
    const [slow, ...others] = start(100);
    for (const answered of others) answered();
    vi.advanceTimersByTime(slowCallMs + 1);
    slow?.();
    nextInterval();

    expect(limit.current).toBe(1_000);
  });

  it('rises to its maximum again once calls are answered', () => {
    const calls = start(100);
    vi.advanceTimersByTime(slowCallMs * 2);
    for (const answered of calls) answered();
    nextInterval();
    const fallen = limit.current;

    vi.advanceTimersByTime(25 * 500);

    expect(fallen).toBe(10);
    expect(limit.current).toBe(1_000);
  });

  it('falls when the event loop is late', async () => {
    await startBeforeLateLoop(5);
    limit.adapt();

    expect(limit.current).toBe(500);
  });

  it('does not fall for an event loop that is late while few calls wait', async () => {
    await startBeforeLateLoop(4);
    limit.adapt();

    expect(limit.current).toBe(1_000);
  });

  it('runs its timer only while there are calls, or it is below its maximum', () => {
    const calls = start(100);
    vi.advanceTimersByTime(slowCallMs * 2);
    for (const answered of calls) answered();
    nextInterval();
    const [fallen, timersWhileFallen] = [limit.current, vi.getTimerCount()];
    vi.advanceTimersByTime(25 * 500);

    expect([fallen, timersWhileFallen]).toEqual([10, 1]);
    expect([limit.current, vi.getTimerCount()]).toEqual([1_000, 0]);
  });

  it('counts a call once, however often it is reported as answered', () => {
    const [slow] = start(1);
    vi.advanceTimersByTime(slowCallMs + 1);
    for (let time = 0; time < 10; time += 1) slow?.();
    nextInterval();

    expect(limit.current).toBe(1_000);
  });
});
