import { allocate, roundedParts } from './allocate.js';
import { minorUnits } from './currencies.js';
import { formatDecimal, parseDecimal } from './decimal.js';
import type { Discount, DocumentInput, DocumentTotals, LineAmounts, TaxTotal } from './document-types.js';
import { dividedBy, plus, times, whole, type Fraction } from './fraction.js';
import { lessDiscount, readLines, type Line } from './lines.js';
import { refused } from './money-error.js';

/** A line with its figures in minor units. */
interface Computed extends Line {
  documentDiscount: bigint;
  net: bigint;
  taxAmount: bigint;
  gross: bigint;
}

/** First of what has 19 digits: `rapport.api.v1.Money` holds 18 before the point. */
const limit = 10n ** 18n;

/**
 * Computes a document by the rules of EN 16931: a line is rounded once, half away from zero; the document's discount is taken before tax,
 * from each line by its share of the subtotal; the tax of each category and rate is rounded once. Shares and taxes are allocated to the
 * lines to the last minor unit, so that every total is the sum of its lines.
 *
 * Where tax is included, the gross amount stays as given and the tax is taken out of it: BT-117 can differ from BT-116 × rate by one
 * minor unit then, because not every gross amount is a net amount and its tax.
 *
 * @throws MoneyError with a violation for each line that cannot be computed, or for a total of more than 18 digits before the point
 */
export function documentTotals({ currency, lines, discount }: DocumentInput): DocumentTotals {
  const places = minorUnits(currency);
  if (places === undefined) throw refused('currency', 'NO_MINOR_UNIT', 'must be a currency with a minor unit');
  const computed = taxedLines(discounted(readLines(lines, places), discount, places));
  for (const figure of ['amount', 'documentDiscount', 'net', 'gross'] as const) {
    const largest = sum(computed.map((line) => (line[figure] < 0n ? -line[figure] : line[figure])));
    if (largest >= limit * 10n ** BigInt(places)) {
      throw refused('lines', 'TOTAL_TOO_LARGE', 'must have a total of at most 18 digits before the decimal point');
    }
  }
  const text = (units: bigint) => formatDecimal({ units, places });
  const total = (figure: (line: Computed) => bigint) => text(sum(computed.map(figure)));
  return {
    lines: computed.map((line): LineAmounts => ({
      amount: text(line.amount),
      documentDiscount: text(line.documentDiscount),
      net: text(line.net),
      tax: text(line.taxAmount),
      gross: text(line.gross),
    })),
    subtotal: total(({ amount }) => amount),
    discount: total(({ documentDiscount }) => documentDiscount),
    net: total(({ net }) => net),
    taxes: taxTotals(computed, text),
    tax: total(({ taxAmount }) => taxAmount),
    gross: total(({ gross }) => gross),
  };
}

function discounted(lines: readonly Line[], discount: Discount | undefined, places: number) {
  const subtotal = sum(lines.map(({ amount }) => amount));
  const taken = subtotal - lessDiscount(whole(subtotal), discount, places, 'discount');
  const shares = allocate(
    taken,
    lines.map(({ amount }) => whole(amount)),
  );
  return lines.map((line, index) => ({ ...line, documentDiscount: shares[index] ?? 0n }));
}

/** Allocates the tax of each category and rate, rounded once, to its lines. */
function taxedLines(lines: readonly (Line & { documentDiscount: bigint })[]): Computed[] {
  const taxes = new Map<object, bigint>();
  for (const group of groupsOf(lines)) {
    const parts = roundedParts(group.map(exactTax));
    group.forEach((line, index) => taxes.set(line, parts[index] ?? 0n));
  }
  return lines.map((line) => {
    const base = line.amount - line.documentDiscount;
    const taxAmount = taxes.get(line) ?? 0n;
    const isIncluded = line.tax.mode === 'INCLUSIVE';
    return {
      ...line,
      taxAmount,
      net: isIncluded ? base - taxAmount : base,
      gross: isIncluded ? base : base + taxAmount,
    };
  });
}

function exactTax({ amount, documentDiscount, tax, rate }: Line & { documentDiscount: bigint }): Fraction {
  const base = whole(amount - documentDiscount);
  const hundred = whole(100n);
  return dividedBy(times(base, rate), tax.mode === 'INCLUSIVE' ? plus(hundred, rate) : hundred);
}

function taxTotals(lines: readonly Computed[], text: (units: bigint) => string): TaxTotal[] {
  return groupsOf(lines).flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const net = text(sum(group.map((line) => line.net)));
    const tax = text(sum(group.map(({ taxAmount }) => taxAmount)));
    return [{ category: first.tax.category, rate: rateText(first), net, tax }];
  });
}

/** Lines of the same category and rate together, in the order of both. */
function groupsOf<Each extends Line>(lines: readonly Each[]): Each[][] {
  const groups = Map.groupBy(lines, (line) => `${line.tax.category} ${rateText(line)}`);
  return [...groups.values()].sort(([one], [other]) => (one && other ? byCategoryAndRate(one, other) : 0));
}

function byCategoryAndRate(one: Line, other: Line): number {
  if (one.tax.category !== other.tax.category) return one.tax.category < other.tax.category ? -1 : 1;
  const difference = one.rate.over * other.rate.under - other.rate.over * one.rate.under;
  return difference < 0n ? -1 : 1;
}

function rateText({ tax }: Line): string {
  return formatDecimal(parseDecimal(tax.rate));
}

function sum(numbers: readonly bigint[]): bigint {
  return numbers.reduce((total, number) => total + number, 0n);
}
