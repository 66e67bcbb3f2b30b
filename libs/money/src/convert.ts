import { minorUnits } from './currencies.js';
import { formatDecimal, moneyBounds, parseDecimal, type DecimalBounds } from './decimal.js';
import { dividedBy, fractionOf, rounded, scaled, times, whole, type Fraction } from './fraction.js';
import { refused } from './money-error.js';

/** 1 of the base currency is `rate` of the quote currency. */
export interface DatedRate {
  baseCurrency: string;
  quoteCurrency: string;
  /** More than 0, with at most 12 digits before the point and 12 after it. */
  rate: string;
}

export const rateBounds: DecimalBounds = { integer: 12, fraction: 12 };

/**
 * Converts an amount by one rate or several in a row, each in either direction, and rounds once at the end, to the minor unit of the last
 * currency. No rate is rounded on the way.
 *
 * @param rates each starts or ends at the currency that those before it lead to, such as EUR/USD, then EUR/JPY, for USD to JPY
 * @throws MoneyError NO_MINOR_UNIT, and TOTAL_TOO_LARGE for more than 18 digits before the point
 */
export function convertAmount(
  amount: { currency: string; amount: string },
  to: string,
  rates: readonly DatedRate[],
): string {
  const places = minorUnits(to);
  if (places === undefined) throw refused('to', 'NO_MINOR_UNIT', 'must be a currency with a minor unit');
  const factor = factorOf(amount.currency, to, rates);
  const exact = times(fractionOf(parseDecimal(amount.amount, moneyBounds)), factor);
  const units = rounded(scaled(exact, places));
  const size = units < 0n ? -units : units;
  if (size >= 10n ** BigInt(moneyBounds.integer + places)) {
    throw refused('amount', 'TOTAL_TOO_LARGE', 'must have at most 18 digits before the decimal point when converted');
  }
  return formatDecimal({ units, places });
}

/** The rate of such a conversion, rounded to 12 places for show: amounts are converted by the exact one. */
export function crossRate(from: string, to: string, rates: readonly DatedRate[]): string {
  const units = rounded(scaled(factorOf(from, to, rates), rateBounds.fraction));
  const text = formatDecimal({ units, places: rateBounds.fraction });
  return formatDecimal(parseDecimal(text, { integer: 64, fraction: rateBounds.fraction }));
}

function factorOf(from: string, to: string, rates: readonly DatedRate[]): Fraction {
  let [factor, currency] = [whole(1n), from];
  for (const { baseCurrency: base, quoteCurrency: quote, rate } of rates) {
    const number = fractionOf(parseDecimal(rate, rateBounds, 'rate'));
    if (number.over <= 0n) throw refused('rate', 'OUT_OF_RANGE', 'must be more than 0');
    if (currency === base) [factor, currency] = [times(factor, number), quote];
    else if (currency === quote) [factor, currency] = [dividedBy(factor, number), base];
    else throw new RangeError(`The rate ${base}/${quote} does not convert ${currency}.`);
  }
  if (currency !== to) throw new RangeError(`The rates lead to ${currency}, not to ${to}.`);
  return factor;
}
