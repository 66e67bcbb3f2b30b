import { compare, dividedBy, floor, minus, plus, rounded, times, whole, zero, type Fraction } from './fraction.js';

/**
 * Divides units by weights, so that the parts are integers whose sum is `total`: each is the exact share, rounded down or up, and up
 * where the remainder is largest (the earlier one of equals).
 *
 * @param weights their sum is not 0, unless `total` is
 */
export function allocate(total: bigint, weights: readonly Fraction[]): bigint[] {
  const sum = weights.reduce(plus, zero);
  if (total === 0n) return weights.map(() => 0n);
  if (sum.over === 0n) throw new RangeError('There is nothing to allocate by.');
  return roundedParts(weights.map((weight) => dividedBy(times(whole(total), weight), sum)));
}

/** Rounds numbers to integers whose sum is that of the numbers, rounded once. What is negated gives the negated parts. */
export function roundedParts(numbers: readonly Fraction[]): bigint[] {
  const sum = numbers.reduce(plus, zero);
  if (sum.over < 0n) return roundedParts(numbers.map(negated)).map((part) => -part);
  const parts = numbers.map(floor);
  const remainders = numbers.map((number, place) => ({ place, remainder: minus(number, whole(parts[place] ?? 0n)) }));
  remainders.sort((one, other) => compare(other.remainder, one.remainder));
  const left = rounded(sum) - parts.reduce((total, part) => total + part, 0n);
  // Fewer than there are numbers with a remainder: rounding the sum adds at most what rounds the last of them up.
  for (const { place } of remainders.slice(0, Number(left))) parts[place] = (parts[place] ?? 0n) + 1n;
  return parts;
}

function negated({ over, under }: Fraction): Fraction {
  return { over: -over, under };
}
