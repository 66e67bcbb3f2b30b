import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AttributionModel } from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { divideAmount } from '../src/domain/attribution/divide-amount.js';

const size = sizeOf('ATTRIBUTION_DEALS', { short: 500, long: 40_000 });

const models = ['FIRST', 'LAST', 'LINEAR', 'POSITION', 'DECAY'] as const;

/** A deal as the oracle reads it. */
interface Deal {
  model: (typeof models)[number];
  units: string;
  times: number[];
  wonMs: number;
}

const hourMs = 3_600_000;

function randomDeal(random: SeedRandom): Deal {
  const wonMs = Date.parse('2026-01-01T00:00:00Z') + random.below(365 * 24) * hourMs;
  const hours = 24 * (1 + random.below(random.chance(0.5) ? 10 : 365));
  // Several at one time, too.
  const times = Array.from(
    { length: 1 + random.below(random.chance(0.1) ? 200 : 8) },
    () => wonMs - random.below(hours) * hourMs,
  );
  const units = random.chance(0.2) ? random.below(10) : random.below(2 ** 50);
  return {
    model: random.pick(models),
    units: String(units),
    times: times.toSorted((one, other) => one - other),
    wonMs,
  };
}

test(
  'the shares of a deal add up to its amount, and are those of an independent oracle',
  () => {
    const random = new SeedRandom(printedSeed('attribution'));
    const deals = Array.from({ length: size }, () => randomDeal(random));
    const expected = oracle(deals);
    const tally: Record<string, number> = { deals: size };
    for (const [index, { model, units, times, wonMs }] of deals.entries()) {
      const shares = divideAmount(BigInt(units), AttributionModel[model], { times, wonMs });
      expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(BigInt(units));
      expect(shares.map(String), JSON.stringify(deals[index])).toEqual(expected[index]);
      tally[model] = (tally[model] ?? 0) + 1;
      tally['touchpoints'] = (tally['touchpoints'] ?? 0) + times.length;
    }
    printTally('attribution', tally);
  },
  isSoak ? soakTimeoutMs : 60_000,
);

function oracle(deals: readonly Deal[]): string[][] {
  const options = { input: JSON.stringify(deals), encoding: 'utf8', maxBuffer: 1 << 29 } as const;
  const { stdout, stderr, status } = spawnSync(
    'python3',
    [join(import.meta.dirname, 'attribution_oracle.py')],
    options,
  );
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as string[][];
}
