import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { BulkPace } from '../src/bulk-pace.js';

let orm: MikroORM;
let pace: BulkPace;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  orm = createOrm({ databaseUrl: inject('superuserUrl'), entities: [] }, { discovery: { warnWhenNoEntities: false } });
  pace = BulkPace.of(orm.em);
  return () => {
    vi.useRealTimers();
    return orm.close();
  };
});

/** By the clock that the test moves. */
function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** So many that bulk work rests for more than four times as long as it works. */
function answerCalls(): void {
  for (let call = 0; call < 200; call += 1) pace.noteCall();
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
  beforeEach(answerCalls);

  test('takes small steps', () => {
    expect(pace.step(100, 10)).toBe(10);
  });

  test('rests for several times as long as it works, and goes on then', async () => {
    const log: string[] = [];
    const working = pace.keep(() => delay(20).then(() => log.push('worked'))).then(() => log.push('rested'));

    await vi.advanceTimersByTimeAsync(20);
    expect(log).toEqual(['worked']);
    await vi.advanceTimersByTimeAsync(4 * 20);
    expect(log).toEqual(['worked']);
    await vi.advanceTimersByTimeAsync(4 * 20);
    expect(log).toEqual(['worked', 'rested']);
    await working;
  });

  test('rests for no longer than a second from a step that has waited', async () => {
    const log: string[] = [];
    const working = pace.keep(() => delay(60_000).then(() => log.push('worked'))).then(() => log.push('rested'));

    await vi.advanceTimersByTimeAsync(59_999);
    answerCalls();
    await vi.advanceTimersByTimeAsync(500);
    expect(log).toEqual(['worked']);
    await vi.advanceTimersByTimeAsync(501);
    expect(log).toEqual(['worked', 'rested']);
    await working;
  });

  test('does one step after the other, and what a step answers is handed on', async () => {
    const log: string[] = [];
    const step = (name: string) =>
      pace.keep(async () => {
        log.push(`${name} begins`);
        // Any turn of the event loop would do: another step could begin here.
        await delay(2);
        log.push(`${name} ends`);
        return name;
      });
    const both = Promise.all([step('a'), step('b')]);
    await vi.advanceTimersByTimeAsync(1_000);

    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(await both).toEqual(['a', 'b']);
  });

  test('goes ahead when the step before waits for it', async () => {
    const second = Promise.withResolvers<void>();
    const both = [pace.keep(() => second.promise), pace.keep(() => Promise.resolve(second.resolve()))];
    await vi.advanceTimersByTimeAsync(1_000);

    await Promise.all(both);
  });

  test('goes on after a step that failed', async () => {
    await expect(pace.keep(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(pace.keep(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });
});

describe('calls', () => {
  test('are forgotten when no more come', () => {
    answerCalls();
    vi.advanceTimersByTime(10_000);

    expect(pace.step(100, 10)).toBe(100);
  });
});
