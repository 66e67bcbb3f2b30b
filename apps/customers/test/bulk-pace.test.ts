import { setTimeout as delay } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { BulkPace } from '../src/bulk-pace.js';

let orm: MikroORM;
let pace: BulkPace;

beforeEach(() => {
  orm = createOrm({ databaseUrl: inject('superuserUrl'), entities: [] }, { discovery: { warnWhenNoEntities: false } });
  pace = BulkPace.of(orm.em);
  return () => orm.close();
});

/** So many that bulk work rests for four times as long as it works. */
function answerCalls(): void {
  for (let call = 0; call < 200; call += 1) pace.noteCall();
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
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

  test('rests for longer than it works', async () => {
    let workedMs = 0;
    const tookMs = await timeOf(() => pace.keep(async () => (workedMs = await timeOf(() => delay(20)))));
    expect(tookMs).toBeGreaterThan(2 * workedMs);
  });

  test('does one step after the other, and what a step answers is handed on', async () => {
    const log: string[] = [];
    const step = (name: string) =>
      pace.keep(async () => {
        log.push(`${name} begins`);
        await delay(2);
        log.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([step('a'), step('b')])).toEqual(['a', 'b']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('goes ahead when the step before waits for it', async () => {
    const second = Promise.withResolvers<void>();
    const first = pace.keep(() => second.promise);
    await pace.keep(() => Promise.resolve(second.resolve()));
    await first;
  });

  test('goes on after a step that failed', async () => {
    await expect(pace.keep(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(pace.keep(() => Promise.resolve('yes'))).resolves.toBe('yes');
  });
});

describe('calls', () => {
  test('are forgotten when no more come', async () => {
    answerCalls();
    await expect.poll(() => pace.step(100, 10), { timeout: 10_000 }).toBe(100);
  });
});
