import type { Decimal } from './decimal.js';

/** An exact number: `over` / `under`, with `under` > 0. Not reduced: the numbers of a document stay short. */
export interface Fraction {
  over: bigint;
  under: bigint;
}

export const zero: Fraction = { over: 0n, under: 1n };

export function fractionOf({ units, places }: Decimal): Fraction {
  return { over: units, under: 10n ** BigInt(places) };
}

export function whole(units: bigint): Fraction {
  return { over: units, under: 1n };
}

export function plus(one: Fraction, other: Fraction): Fraction {
  // Sums of many numbers stay short: most of their denominators are powers of ten.
  if (one.under % other.under === 0n) {
    return { over: one.over + other.over * (one.under / other.under), under: one.under };
  }
  if (other.under % one.under === 0n) return plus(other, one);
  return { over: one.over * other.under + other.over * one.under, under: one.under * other.under };
}

export function minus(one: Fraction, other: Fraction): Fraction {
  return plus(one, { over: -other.over, under: other.under });
}

export function times(one: Fraction, other: Fraction): Fraction {
  return { over: one.over * other.over, under: one.under * other.under };
}

/** @param divisor not 0 */
export function dividedBy(one: Fraction, divisor: Fraction): Fraction {
  const sign = divisor.over < 0n ? -1n : 1n;
  return { over: one.over * divisor.under * sign, under: one.under * divisor.over * sign };
}

export function compare(one: Fraction, other: Fraction): number {
  const difference = one.over * other.under - other.over * one.under;
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** The largest integer that is not greater. */
export function floor({ over, under }: Fraction): bigint {
  const quotient = over / under;
  return over < 0n && quotient * under !== over ? quotient - 1n : quotient;
}

/** The nearest integer; of two, the one that is farther from 0. 2.5 is 3, and -2.5 is -3. */
export function rounded({ over, under }: Fraction): bigint {
  const nearest = (2n * (over < 0n ? -over : over) + under) / (2n * under);
  return over < 0n ? -nearest : nearest;
}

/** The number in units of 10^-`places`. */
export function scaled(number: Fraction, places: number): Fraction {
  return { over: number.over * 10n ** BigInt(places), under: number.under };
}
