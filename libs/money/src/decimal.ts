import { minorUnits } from './currencies.js';
import { refused } from './money-error.js';

/** A decimal number: `units` × 10^-`places`. */
export interface Decimal {
  units: bigint;
  places: number;
}

/** Most digits of a decimal number, as an `Amount` of the contract has them by default. */
export interface DecimalBounds {
  integer: number;
  fraction: number;
}

/** Those of `rapport.api.v1.Money`. */
export const moneyBounds: DecimalBounds = { integer: 18, fraction: 9 };

/**
 * @param text such as "-1250.50": a sign or none, digits, and a point only between digits
 * @param field names the number in the error
 * @throws MoneyError BAD_FORMAT for another text, TOO_MANY_DIGITS beyond the bounds, not counting zeros at both ends
 */
export function parseDecimal(text: string, bounds: DecimalBounds = moneyBounds, field = 'amount'): Decimal {
  // A longer text is refused before it is matched.
  const match = text.length <= 64 ? /^([-+]?)([0-9]+)(?:\.([0-9]+))?$/.exec(text) : null;
  if (!match) throw refused(field, 'BAD_FORMAT', 'must be a decimal number, such as 12.50');
  const [, sign = '', integer = '', fraction = ''] = match;
  const digits = withoutTrailingZeros(fraction);
  if (integer.replace(/^0+/, '').length > bounds.integer || digits.length > bounds.fraction) {
    const limits = `${bounds.integer} digits before the decimal point and ${bounds.fraction} after it`;
    throw refused(field, 'TOO_MANY_DIGITS', `must have at most ${limits}`);
  }
  const units = BigInt(integer + digits);
  return { units: sign === '-' ? -units : units, places: digits.length };
}

/** Text with exactly as many digits after the point as the number has places, and no "-0". */
export function formatDecimal({ units, places }: Decimal): string {
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const point = digits.length - places;
  const text = places === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return units < 0n ? `-${text}` : text;
}

/**
 * A sum as every answer has it, whatever places its numbers were entered with: at least the digits of the currency, and no zero at the
 * end beyond them. A number without a currency has no zero at the end of its decimals.
 *
 * @param text of any length, such as PostgreSQL's text of a `numeric`
 */
export function sumText(text: string, currency?: string): string {
  const [whole = '0', decimals = ''] = text.split('.');
  const least = currency === undefined ? 0 : (minorUnits(currency) ?? 0);
  const shown = withoutTrailingZeros(decimals).padEnd(least, '0');
  return shown === '' ? whole : `${whole}.${shown}`;
}

/** Negative if the first of two numbers is less, 0 if they are equal, positive if it is more. */
export function compareDecimals(one: string, other: string): number {
  const [first, second] = [parseDecimal(one), parseDecimal(other)];
  const difference = first.units * 10n ** BigInt(second.places) - second.units * 10n ** BigInt(first.places);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** Without an expression, which would try each zero of the text as the first of the last ones. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}
