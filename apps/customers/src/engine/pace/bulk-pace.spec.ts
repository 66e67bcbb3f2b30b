import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BulkPace, Turns } from './bulk-pace.js';

let orm: MikroORM;
let pace: BulkPace;
let other: BulkPace;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  orm = createOrm(
    { databaseUrl: 'postgres://localhost/unused', entities: [] },
    { discovery: { warnWhenNoEntities: false } },
  );
  [pace, other] = [BulkPace.of(orm.em, 'one'), BulkPace.of(orm.em, 'other')];
  return () => {
    vi.useRealTimers();
    return orm.close();
  };
});

/** By the clock of the test. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A rate at which bulk work pauses for more than six times as long as it works. */
function answerCalls(calling = other): void {
  for (let call = 0; call < 80; call += 1) calling.noteCall();
}

/** Records the end of a step of this many milliseconds, and that of the next one of the same tenant. */
function stepTwice(log: string[], ms: number): Promise<unknown> {
  return Promise.all(['first', 'second'].map((name) => pace.keep(() => delay(ms).then(() => log.push(name)))));
}

describe('bulk work alone', () => {
  test('takes large steps', () => {
    expect(pace.step(100, 10)).toBe(100);
  });

  test('does several at a time', async () => {
    const second = Promise.withResolvers<void>();
    const first = pace.keep(() => second.promise);
    await pace.keep(() => Promise.resolve(second.resolve()));
    await first;
  });
});

describe('bulk work beside calls', () => {
  beforeEach(() => answerCalls());

  test('takes small steps', () => {
    expect(pace.step(100, 10)).toBe(10);
  });

  test('returns at once, and pauses for several times as long before the next step', async () => {
    const log: string[] = [];
    const working = stepTwice(log, 20);

    await vi.advanceTimersByTimeAsync(20);
    expect(log).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(4 * 20);
    expect(log).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(6 * 20);
    expect(log).toEqual(['first', 'second']);
    await working;
  });

  test('pauses less beside calls of its own tenant', async () => {
    await vi.advanceTimersByTimeAsync(10_000);
    answerCalls(pace);
    const log: string[] = [];
    const working = stepTwice(log, 20);

    await vi.advanceTimersByTimeAsync(20 + 3 * 20 + 20);
    expect(log).toEqual(['first', 'second']);
    await working;
  });

  test('pauses for at most a second after a step that has waited', async () => {
    const log: string[] = [];
    const working = stepTwice(log, 60_000);

    await vi.advanceTimersByTimeAsync(59_999);
    answerCalls();
    await vi.advanceTimersByTimeAsync(1);
    expect(log).toEqual(['first']);
    await vi.advanceTimersByTimeAsync(60_000 + 1_001);
    expect(log).toEqual(['first', 'second']);
    await working;
  });

  test('does not delay another tenant by its pause', async () => {
    const log: string[] = [];
    const first = pace.keep(() => delay(100).then(() => log.push('first')));
    await vi.advanceTimersByTimeAsync(100);
    await first;
    const others = [pace, other].map((each) =>
      each.keep(() => Promise.resolve(log.push(each === other ? 'other' : 'second'))),
    );

    await vi.advanceTimersByTimeAsync(60);
    expect(log).toEqual(['first', 'other']);
    await vi.advanceTimersByTimeAsync(2_000);
    await Promise.all(others);
  });

  test('runs one step after the other, and returns the result of each', async () => {
    const log: string[] = [];
    const step = (name: string) =>
      pace.keep(async () => {
        log.push(`${name} begins`);
        // Any turn of the event loop suffices: another step could begin here.
        await delay(2);
        log.push(`${name} ends`);
        return name;
      });
    const both = Promise.all([step('a'), step('b')]);
    await vi.advanceTimersByTimeAsync(1_000);

    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(await both).toEqual(['a', 'b']);
  });

  test('proceeds when the previous step waits for it', async () => {
    const second = Promise.withResolvers<void>();
    const both = [pace.keep(() => second.promise), pace.keep(() => Promise.resolve(second.resolve()))];
    await vi.advanceTimersByTimeAsync(1_000);

    await Promise.all(both);
  });

  test('continues after a failed step', async () => {
    await expect(pace.keep(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(pace.keep(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });
});

describe('calls', () => {
  test('expire when no more arrive', () => {
    answerCalls();
    vi.advanceTimersByTime(10_000);

    expect(pace.step(100, 10)).toBe(100);
  });
});

test('long work yields to other work, and preserves its order', async () => {
  vi.useRealTimers();
  const turns = new Turns();
  let othersTurns = 0;
  let isOver = false;
  const others = () => {
    othersTurns += 1;
    if (!isOver) setImmediate(others);
  };
  setImmediate(others);

  const results = await turns.map([3, 1, 2], (item, index) => {
    const endsAt = performance.now() + 10;
    while (performance.now() < endsAt);
    return `${index}: ${item}`;
  });
  isOver = true;

  expect(results).toEqual(['0: 3', '1: 1', '2: 2']);
  expect(othersTurns).toBeGreaterThanOrEqual(2);
});
