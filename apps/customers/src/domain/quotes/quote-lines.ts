import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { AmountMode } from '@rapport/contracts/rapport/sales/v1/deal';
import { LineItem, type LineTotals } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { isIsoCurrency } from '@rapport/contracts/filters';
import { documentTotals, formatDecimal, minorUnits, MoneyError, parseDecimal } from '@rapport/money';
import type { FieldViolation } from '@rapport/platform';
import { discountInput, discountViolations, figuresOf, lineInput, lineTotals, valuesOf } from '../deals/deal-lines.js';

/** What the figures of a quote follow from. */
type Priced = Pick<Quote, 'currency' | 'lineItems' | 'discount'>;

/** Lines with their figures, and the totals; or what is wrong with the lines. */
export type ComputedLines =
  | { lineItems: LineItem[]; totals: LineTotals; violations: [] }
  | { lineItems?: undefined; totals?: undefined; violations: FieldViolation[] };

/** Computes the figures of a quote. Pure: computing them again changes nothing. */
export function computeLines({ currency, lineItems, discount }: Priced): ComputedLines {
  if (!isIsoCurrency(currency)) {
    const description = 'must be a currency code of ISO 4217, such as EUR';
    return { violations: [{ field: 'currency', reason: 'UNKNOWN_CURRENCY', description }] };
  }
  const wrong = lineItems.flatMap((line, index) => discountViolations(`lineItems[${index}].discount`, line.discount));
  wrong.push(...discountViolations('discount', discount));
  if (wrong.length > 0) return { violations: wrong };
  try {
    const totals = documentTotals({ currency, lines: lineItems.map(lineInput), discount: discountInput(discount) });
    const computed = lineItems.map((line, index) => ({ ...line, ...figuresOf(totals, index) }));
    return { lineItems: computed, totals: lineTotals(totals), violations: [] };
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    const inQuote = (field: string) => field.replace(/^lines\b/, 'lineItems');
    return { violations: error.violations.map((each) => ({ ...each, field: inQuote(each.field) })) };
  }
}

/**
 * The lines of a deal that is won by a quote, with the totals of the quote. A deal has no discount as a whole: it is a line for each kind of
 * tax.
 *
 * @param live products that still exist: a deal gets no reference to others
 */
export function linesOfDeal(deal: Deal, quote: Quote, live: ReadonlySet<string>): Partial<Deal> {
  const { currency, lineItems } = quote;
  const sold = lineItems.map((line) => ({
    ...line,
    productId: live.has(line.productId ?? '') ? line.productId : undefined,
  }));
  const changes = {
    lineItems: [...sold, ...discountLines(quote)],
    lineCurrency: currency,
    amountMode: AmountMode.LINES,
  };
  // Guards of the stage look at the amount.
  return { ...changes, amount: valuesOf({ ...deal, ...changes }).amount };
}

function discountLines({ currency, lineItems }: Quote): LineItem[] {
  const byTax = new Map<string, { line: LineItem; units: bigint }>();
  const places = minorUnits(currency) ?? 0;
  for (const line of lineItems) {
    const { units, places: own } = parseDecimal(line.documentDiscount);
    const key = JSON.stringify(line.tax ?? null);
    const group = byTax.get(key) ?? { line, units: 0n };
    byTax.set(key, { ...group, units: group.units + units * 10n ** BigInt(places - own) });
  }
  return [...byTax.values()].flatMap(({ line: { tax }, units }) =>
    units === 0n
      ? []
      : {
          ...LineItem.decode(new Uint8Array()),
          ...discountLine,
          tax,
          unitPrice: formatDecimal({ units: -units, places }),
        },
  );
}

const discountLine = { description: 'Discount', quantity: '1' };
