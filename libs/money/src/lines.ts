import { minorUnits } from './currencies.js';
import { formatDecimal, parseDecimal, type DecimalBounds } from './decimal.js';
import type { Discount, LineInput, LineTax } from './document-types.js';
import {
  compare,
  dividedBy,
  fractionOf,
  minus,
  rounded,
  scaled,
  times,
  whole,
  zero,
  type Fraction,
} from './fraction.js';
import { MoneyError, refused, type MoneyViolation } from './money-error.js';

const quantityBounds: DecimalBounds = { integer: 9, fraction: 6 };
const priceBounds: DecimalBounds = { integer: 12, fraction: 6 };
const percentBounds: DecimalBounds = { integer: 3, fraction: 4 };
const hundred = whole(100n);

/** Categories whose rate can differ from 0. */
const taxed = new Set(['S', 'L', 'M']);

export interface Line {
  /** In minor units. */
  amount: bigint;
  tax: LineTax;
  rate: Fraction;
}

/** A line whose tax is not known is outside the scope of tax. */
const untaxed: LineTax = { mode: 'NONE', category: 'O', rate: '0' };

/** @throws MoneyError with the violations of all lines */
export function readLines(lines: readonly LineInput[], places: number): Line[] {
  const violations: MoneyViolation[] = [];
  const read = lines.flatMap((line, index) => {
    try {
      return [readLine(line, places, `lines[${index}]`)];
    } catch (error) {
      if (!(error instanceof MoneyError)) throw error;
      violations.push(...error.violations);
      return [];
    }
  });
  if (violations.length > 0) throw new MoneyError(violations);
  return read;
}

/** Quantity × unit price before any discount, rounded once, however large it is. Negative where one of both is. */
export function fullAmount(
  currency: string,
  { quantity, unitPrice }: Pick<LineInput, 'quantity' | 'unitPrice'>,
): string {
  const places = minorUnits(currency) ?? 0;
  const count = fractionOf(parseDecimal(quantity, quantityBounds, 'quantity'));
  const price = fractionOf(parseDecimal(unitPrice, priceBounds, 'unitPrice'));
  return formatDecimal({ units: rounded(scaled(times(count, price), places)), places });
}

function readLine({ quantity, unitPrice, discount, tax = untaxed }: LineInput, places: number, path: string): Line {
  const count = fractionOf(parseDecimal(quantity, quantityBounds, `${path}.quantity`));
  const price = fractionOf(parseDecimal(unitPrice, priceBounds, `${path}.unitPrice`));
  const full = scaled(times(count, price), places);
  const rate = percentOf(tax.rate, `${path}.tax.rate`);
  if (rate.over !== 0n && !taxed.has(tax.category)) {
    throw refused(`${path}.tax.rate`, 'RATE_NOT_ZERO', `must be 0 in the category ${tax.category}`);
  }
  if (rate.over !== 0n && tax.mode === 'NONE') {
    throw refused(`${path}.tax.rate`, 'RATE_NOT_ZERO', 'must be 0 where tax is not applied');
  }
  return { amount: lessDiscount(full, discount, places, `${path}.discount`), tax, rate };
}

/**
 * What is left of an exact number of minor units, rounded once. An amount can take what the number is when rounded, and leaves 0 then.
 *
 * @throws MoneyError DISCOUNT_TOO_LARGE for an amount that takes more
 */
export function lessDiscount(full: Fraction, discount: Discount | undefined, places: number, path: string): bigint {
  if (!discount) return rounded(full);
  if ('percent' in discount) {
    const kept = minus(hundred, percentOf(discount.percent, `${path}.percent`));
    return rounded(dividedBy(times(full, kept), hundred));
  }
  const amount = minorAmount(discount.amount, places, `${path}.amount`);
  if (amount < 0n) throw refused(`${path}.amount`, 'OUT_OF_RANGE', 'must not be negative');
  if (amount > 0n && amount > rounded(full)) {
    throw refused(`${path}.amount`, 'DISCOUNT_TOO_LARGE', 'must not be more than what it is taken from');
  }
  const left = minus(full, whole(amount));
  return amount > 0n && compare(left, zero) < 0 ? 0n : rounded(left);
}

/** @throws MoneyError also for more places than the currency has */
function minorAmount(text: string, places: number, path: string): bigint {
  const { units, places: given } = parseDecimal(text, { integer: 18, fraction: places }, path);
  return units * 10n ** BigInt(places - given);
}

function percentOf(text: string, path: string): Fraction {
  const percent = fractionOf(parseDecimal(text, percentBounds, path));
  if (percent.over < 0n || compare(percent, hundred) > 0) {
    throw refused(path, 'OUT_OF_RANGE', 'must be from 0 to 100');
  }
  return percent;
}
