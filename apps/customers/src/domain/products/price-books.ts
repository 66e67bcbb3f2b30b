import { isIsoCurrency } from '@rapport/contracts/filters';
import type { Price } from '@rapport/contracts/rapport/sales/v1/price';
import type { PriceBook } from '@rapport/contracts/rapport/sales/v1/price_book';
import { PriceBooksServiceService } from '@rapport/contracts/rapport/sales/v1/price_books_service';
import { PricesServiceService } from '@rapport/contracts/rapport/sales/v1/prices_service';
import { formatDecimal, parseDecimal } from '@rapport/money';
import type { FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normaliseBook = normaliserOf<PriceBook>(recordContract('rapport/PriceBook'));

/** Price books: prices for a period and a group of customers. */
export const priceBooks = defineRecord<PriceBook>('rapport/PriceBook', PriceBooksServiceService, {
  indexVersion: 1,
  normalise(sent, customFields, before) {
    const { record, violations } = normaliseBook(sent, customFields, before);
    return { record, violations: [...violations, ...bookViolations(record)] };
  },
});

export const PriceBooksController = recordController(priceBooks, PriceBooksServiceService);

/** Prices: each of one product in one price book. `POST /v1/priceBooks/{id}:setPrices` writes them. */
export const prices = defineRecord<Price>('rapport/Price', PricesServiceService, { indexVersion: 1 });

export const PricesController = recordController(prices, PricesServiceService);

function bookViolations({ currencyCode, validFrom, validTo }: PriceBook): FieldViolation[] {
  const violations: FieldViolation[] = [];
  if (!isIsoCurrency(currencyCode)) {
    const description = 'must be a currency code of ISO 4217, such as EUR';
    violations.push({ field: 'currencyCode', reason: 'CURRENCY_UNKNOWN', description });
  }
  if (validFrom !== undefined && validTo !== undefined && validTo < validFrom) {
    violations.push({ field: 'validTo', reason: 'END_BEFORE_START', description: 'must not be before validFrom' });
  }
  return violations;
}

/** Violations of the tiers of a price, with paths within it. */
export function tierViolations(tiers: Price['tiers']): FieldViolation[] {
  const quantities = tiers.map(({ minQuantity }) => formatDecimal(parseDecimal(minQuantity)));
  return quantities.flatMap((quantity, index) =>
    quantities.indexOf(quantity) === index
      ? []
      : [{ field: `tiers[${index}].minQuantity`, reason: 'DUPLICATE', description: 'must be unique' }],
  );
}
