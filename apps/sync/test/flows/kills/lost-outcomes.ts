import { setTimeout as delay } from 'node:timers/promises';
import { drawnBy } from '@rapport/testing';
import { expect } from 'vitest';
import type { EffectBench } from '../effect-bench.ts';

export interface Counts {
  attempts: number;
  lost: number;
  aged: number;
}

/** Attempts until an outcome is not lost with the process that waited for it. */
export async function untilKnown<Outcome>(
  bench: EffectBench,
  perform: (signal: AbortSignal) => Promise<Outcome>,
  dice: () => number,
  counts: Counts,
): Promise<Outcome> {
  for (;;) {
    counts.attempts += 1;
    const signal = dice() < 0.3 ? AbortSignal.timeout(Math.floor(dice() * 30)) : bench.signal;
    try {
      const outcome = await perform(signal);
      if (dice() > 0.3) return outcome;
      counts.lost += 1;
    } catch (error) {
      expect(error).toMatchObject({ kind: 'PASSING' });
      // As the worker does between two attempts.
      await delay(50);
    }
    if (dice() < 0.2) await age(bench, counts);
  }
}

/** A day passes for what customers keeps. */
export async function age(bench: EffectBench, counts: Counts): Promise<void> {
  counts.aged += 1;
  await bench.api.query(
    // Without those in use: two of these statements could wait for each other.
    `update idempotency_key set create_time = create_time - interval '25 hours' where ctid = any (array(
      select ctid from idempotency_key where tenant_id = $1 for update skip locked))`,
    [bench.api.tenant.tenantId],
    'customers',
  );
}

/** Numbers between 0 and 1 that the seed determines. */
export function diceOf(seed: number): () => number {
  const faces = drawnBy(
    seed,
    Array.from({ length: 997 }, (_, index) => index / 997),
    997,
  );
  let place = 0;
  return () => faces[(place += 1) % faces.length]!;
}

/** Works on items, some at a time: a tenant has a limited number of concurrent calls. */
export async function forEach<Item>(items: readonly Item[], work: (item: Item, index: number) => Promise<void>) {
  const left = items.entries();
  const one = async () => {
    for (const [index, item] of left) await work(item, index);
  };
  await Promise.all(Array.from({ length: 12 }, one));
}
