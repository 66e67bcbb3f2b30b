import type { Price } from '@rapport/contracts/rapport/sales/v1/price';
import type { PriceBook } from '@rapport/contracts/rapport/sales/v1/price_book';
import { PriceReason, type ConsideredPriceBook } from '@rapport/contracts/rapport/sales/v1/pricing_service';
import { compareDecimals } from '@rapport/money';

/** A price book and its price of the product. */
export interface PricedBook {
  book: PriceBook;
  price: Price | undefined;
}

/** What decides which price books are for a customer. */
export interface Buyer {
  countryCodes: readonly string[];
  tags: readonly string[];
}

interface Wanted {
  /** The day of the sale. */
  date: string;
  /** Any when undefined. */
  currencyCode: string | undefined;
  buyer: Buyer | undefined;
}

/** Used when a price book has no precedence of its own. */
export const defaultPrecedence = 100;

/** The first price book that applies and has a price, and why each is used or not. @param books in the order of their precedence */
export function choosePrice(
  books: readonly PricedBook[],
  wanted: Wanted,
): { used: { book: PriceBook; price: Price } | undefined; considered: ConsideredPriceBook[] } {
  let used: { book: PriceBook; price: Price } | undefined;
  const considered = books.map(({ book, price }): ConsideredPriceBook => {
    const refusal = refusalOf(book, wanted) ?? (price ? undefined : PriceReason.NO_PRICE);
    if (refusal !== undefined || !price) return { priceBookId: book.id, reason: refusal ?? PriceReason.NO_PRICE };
    if (used) return { priceBookId: book.id, reason: PriceReason.PRECEDED };
    used = { book, price };
    return { priceBookId: book.id, reason: PriceReason.USED };
  });
  return { used, considered };
}

function refusalOf(book: PriceBook, { date, currencyCode, buyer }: Wanted): PriceReason | undefined {
  const { validFrom = date, validTo = date, countryCodes, customerTags } = book;
  if (date < validFrom || date > validTo) return PriceReason.NOT_VALID;
  if (currencyCode !== undefined && book.currencyCode !== currencyCode) return PriceReason.OTHER_CURRENCY;
  if (!isForOneOf(countryCodes, buyer?.countryCodes)) return PriceReason.OTHER_COUNTRY;
  return isForOneOf(customerTags, buyer?.tags) ? undefined : PriceReason.OTHER_TAGS;
}

/** A list without values is for all. */
function isForOneOf(values: readonly string[], of: readonly string[] = []): boolean {
  return values.length === 0 || values.some((value) => of.includes(value));
}

/** The tier with the largest quantity that is not more than the given one. */
export function tierOf({ tiers }: Price, quantity: string): Price['tiers'][number] | undefined {
  return tiers
    .filter(({ minQuantity }) => compareDecimals(minQuantity, quantity) <= 0)
    .toSorted((one, other) => compareDecimals(one.minQuantity, other.minQuantity))
    .at(-1);
}
