import { randomInt } from 'node:crypto';

/** Whether the long form of the tests runs: `npm run soak`. */
export const isSoak = process.env['SOAK'] === '1';

/** Timeout of a test with two sizes, in milliseconds. */
export const soakTimeoutMs = isSoak ? 4 * 3_600_000 : 300_000;

/**
 * One size of a test with two sizes, such as its number of records.
 *
 * @param variable environment variable that overrides both; read as a number
 */
export function sizeOf(variable: string, { short, long }: { short: number; long: number }): number {
  const given = process.env[variable];
  const size = given === undefined ? (isSoak ? long : short) : Number(given);
  if (!Number.isFinite(size) || size < 0) throw new Error(`${variable} is no number: ${given}`);
  return size;
}

/** A new seed each time, unless `SOAK_SEED` is set. Printed, so that a failure can be repeated. */
export function printedSeed(test: string): number {
  const given = process.env['SOAK_SEED'];
  const seed = given === undefined ? randomInt(1_000_000_000) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error(`SOAK_SEED is no whole number: ${given}`);
  console.log(`${test}: SOAK_SEED=${seed}`);
  return seed;
}

/** Some of the items, or all if there are no more, in an order that the seed determines. */
export function drawnBy<Item>(seed: number, items: readonly Item[], count: number): Item[] {
  // Fisher and Yates, by a linear congruential generator (Numerical Recipes).
  let state = seed >>> 0;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const result = [...items];
  for (let left = result.length - 1; left > 0; left -= 1) {
    const other = below(left + 1);
    [result[left], result[other]] = [result[other]!, result[left]!];
  }
  return result.slice(0, count);
}

/** Prints the figures of a test. */
export function printTally(test: string, figures: Readonly<Record<string, string | number>>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  console.log(`${test}: ${text.join(', ')}`);
}
