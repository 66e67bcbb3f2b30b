import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { AmountMode } from '@rapport/contracts/rapport/sales/v1/deal';
import { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { formatDecimal, minorUnits, parseDecimal } from '@rapport/money';
import { valuesOf } from '../deals/deal-lines.js';

/**
 * The lines of a deal that is won by a quote, with the totals of the quote. A deal has no discount as a whole: it is a line for each kind of
 * tax.
 *
 * @param sold the lines of the quote, without references to products that have been deleted
 */
export function linesOfDeal(deal: Deal, quote: Quote, sold: readonly LineItem[]): Partial<Deal> {
  const { currency } = quote;
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
