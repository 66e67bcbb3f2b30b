import { allocate } from './allocate.js';
import { minorUnits } from './currencies.js';
import { formatDecimal, parseDecimal, type DecimalBounds } from './decimal.js';
import { compare, dividedBy, fractionOf, plus, rounded, times, whole, zero, type Fraction } from './fraction.js';
import { refused } from './money-error.js';

/** Percent with at most 4 places. */
export type Share = string;

const shareBounds: DecimalBounds = { integer: 3, fraction: 4 };

/** @throws MoneyError OUT_OF_RANGE for a share that is not more than 0, SUM_NOT_100 for shares that do not sum up to 100 */
export function readShares(shares: readonly Share[], field = 'shares'): Fraction[] {
  const numbers = shares.map((share, index) => {
    const path = `${field}[${index}]`;
    const number = fractionOf(parseDecimal(share, shareBounds, path));
    if (number.over <= 0n) throw refused(path, 'OUT_OF_RANGE', 'must be more than 0');
    return number;
  });
  if (compare(numbers.reduce(plus, zero), whole(100n)) !== 0) {
    throw refused(field, 'SUM_NOT_100', 'must have shares that sum up to 100');
  }
  return numbers;
}

/**
 * Divides an amount among shares to the last minor unit. An amount with more places than its currency is divided in its own places.
 *
 * @throws MoneyError see readShares
 */
export function splitAmount(amount: SharedAmount, shares: readonly Share[]): string[] {
  const { total, places } = unitsOf(amount);
  return allocate(total, readShares(shares)).map((part) => formatDecimal({ units: part, places }));
}

/**
 * One share of an amount, apart from others, rounded half away from zero to the places that `splitAmount` has.
 *
 * @throws MoneyError OUT_OF_RANGE for a share that is not more than 0 and at most 100
 */
export function shareOf(amount: SharedAmount, share: Share, field = 'share'): string {
  const number = fractionOf(parseDecimal(share, shareBounds, field));
  if (number.over <= 0n || compare(number, whole(100n)) > 0) {
    throw refused(field, 'OUT_OF_RANGE', 'must be more than 0 and at most 100');
  }
  const { total, places } = unitsOf(amount);
  return formatDecimal({ units: rounded(dividedBy(times(whole(total), number), whole(100n))), places });
}

interface SharedAmount {
  currency: string;
  amount: string;
}

function unitsOf({ amount, currency }: SharedAmount): { total: bigint; places: number } {
  const { units, places: given } = parseDecimal(amount);
  const places = Math.max(given, minorUnits(currency) ?? given);
  return { total: units * 10n ** BigInt(places - given), places };
}
