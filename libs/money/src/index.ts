export { allocate } from './allocate.js';
export { convertAmount, crossRate, type DatedRate } from './convert.js';
export { minorUnits } from './currencies.js';
export { compareDecimals, formatDecimal, parseDecimal, sumText, type Decimal, type DecimalBounds } from './decimal.js';
export { documentTotals } from './document.js';
export { fullAmount } from './lines.js';
export { MoneyError, type MoneyViolation } from './money-error.js';
export { readShares, shareOf, splitAmount, type Share } from './splits.js';
export type {
  Discount,
  DocumentInput,
  DocumentTotals,
  LineAmounts,
  LineInput,
  LineTax,
  TaxCategory,
  TaxMode,
  TaxTotal,
} from './document-types.js';
