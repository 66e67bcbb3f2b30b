/** How the unit price of a line and tax are related. NONE: the line is not taxed. */
export type TaxMode = 'EXCLUSIVE' | 'INCLUSIVE' | 'NONE';

/**
 * Codes of UNCL 5305 that EN 16931 uses: S standard rate, Z zero rated, E exempt, AE reverse charge, K intra-community supply, G export,
 * O outside the scope of tax, L Canary Islands, M Ceuta and Melilla. All but S, L and M have the rate 0.
 */
export type TaxCategory = 'S' | 'Z' | 'E' | 'AE' | 'K' | 'G' | 'O' | 'L' | 'M';

/** Percent from 0 to 100, with at most 4 places; or an amount in the currency of the document, with the places of the currency. */
export type Discount = { percent: string } | { amount: string };

export interface LineTax {
  mode: TaxMode;
  category: TaxCategory;
  /** Percent from 0 to 100, with at most 4 places. */
  rate: string;
}

export interface LineInput {
  /** At most 9 digits before the point and 6 after it. Negative for what is returned. */
  quantity: string;
  /** At most 12 digits before the point and 6 after it. Negative for a credit. */
  unitPrice: string;
  discount?: Discount | undefined;
  /** The line is outside the scope of tax when unset. */
  tax?: LineTax | undefined;
}

export interface DocumentInput {
  /** An ISO 4217 code. */
  currency: string;
  lines: readonly LineInput[];
  /** Of the whole document, allocated to its lines before tax. */
  discount?: Discount | undefined;
}

/** Figures of one line, all in the minor unit of the currency. `net` + `tax` = `gross`. */
export interface LineAmounts {
  /** Quantity × unit price − discount of the line, rounded once: BT-131 where tax is not included. */
  amount: string;
  /** The line's share of the document's discount: `amount` − this is `gross` if tax is included, or else `net`. */
  documentDiscount: string;
  net: string;
  tax: string;
  gross: string;
}

/** Figures of one category and rate (BG-23). */
export interface TaxTotal {
  category: TaxCategory;
  /** Without zeros at the end. */
  rate: string;
  /** BT-116: Σ `net` of its lines. */
  net: string;
  /** BT-117, rounded once: Σ `tax` of its lines. */
  tax: string;
}

/** Each is the sum of the figure of that name of all lines. */
export interface DocumentTotals {
  lines: LineAmounts[];
  /** Σ `amount`. */
  subtotal: string;
  /** Σ `documentDiscount`. */
  discount: string;
  net: string;
  /** By category, then by rate. */
  taxes: TaxTotal[];
  tax: string;
  gross: string;
}
