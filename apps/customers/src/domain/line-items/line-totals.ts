import {
  TaxCategory as Category,
  TaxMode as Mode,
  type LineDiscount,
  type LineItem,
  type LineTotals,
} from '@rapport/contracts/rapport/sales/v1/line_item';
import {
  documentTotals,
  MoneyError,
  type Discount,
  type DocumentTotals,
  type LineInput,
  type TaxCategory,
  type TaxMode,
} from '@rapport/money';
import { isIsoCurrency } from '@rapport/contracts/filters';
import type { FieldViolation } from '@rapport/platform';

const modes: Readonly<Partial<Record<Mode, TaxMode>>> = {
  [Mode.EXCLUSIVE]: 'EXCLUSIVE',
  [Mode.INCLUSIVE]: 'INCLUSIVE',
  [Mode.NONE]: 'NONE',
};

/** Codes of UNCL 5305 by category of the contract. */
const categories: Readonly<Partial<Record<Category, TaxCategory>>> = {
  [Category.STANDARD]: 'S',
  [Category.ZERO_RATED]: 'Z',
  [Category.EXEMPT]: 'E',
  [Category.REVERSE_CHARGE]: 'AE',
  [Category.INTRA_COMMUNITY]: 'K',
  [Category.EXPORT]: 'G',
  [Category.OUT_OF_SCOPE]: 'O',
  [Category.CANARY_ISLANDS]: 'L',
  [Category.CEUTA_MELILLA]: 'M',
};

/** The code of a category in UNCL 5305. */
export function codeOf(category: Category): TaxCategory {
  return categories[category] ?? 'S';
}

const categoryOfCode = new Map(
  Object.entries(categories).map(([category, code]) => [code, Number(category) as Category]),
);

/** The lines of a document, and what applies to all of them. */
export interface DocumentLines {
  currency: string;
  lineItems: readonly LineItem[];
  discount?: LineDiscount | undefined;
}

/** Lines with their figures, and the totals; or what is wrong with the lines. */
export type ComputedLines =
  | { lineItems: LineItem[]; totals: LineTotals; violations: [] }
  | { lineItems?: undefined; totals?: undefined; violations: FieldViolation[] };

/** Computes the figures of lines. Pure: computing them again changes nothing. */
export function computeLines({ currency, lineItems, discount }: DocumentLines): ComputedLines {
  if (!isIsoCurrency(currency)) {
    const description = 'must be a currency code of ISO 4217, such as EUR';
    return { violations: [{ field: 'currency', reason: 'CURRENCY_UNKNOWN', description }] };
  }
  const both = [
    ...lineItems.flatMap((line, index) => oneOf(line.discount, `lineItems[${index}].`)),
    ...oneOf(discount, ''),
  ];
  if (both.length > 0) return { violations: both };
  try {
    const totals = documentTotals({ currency, lines: lineItems.map(inputOf), discount: discountOf(discount) });
    return {
      lineItems: lineItems.map((line, index) => withFigures(line, totals, index)),
      totals: messageOf(totals),
      violations: [],
    };
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    return {
      violations: error.violations.map((each) => ({ ...each, field: each.field.replace(/^lines\b/, 'lineItems') })),
    };
  }
}

function oneOf(discount: LineDiscount | undefined, path: string): FieldViolation[] {
  if (!discount || (discount.percent === undefined) !== (discount.amount === undefined)) return [];
  return [{ field: `${path}discount`, reason: 'PERCENT_OR_AMOUNT', description: 'must have a percent or an amount' }];
}

function discountOf(discount: LineDiscount | undefined): Discount | undefined {
  if (discount?.percent !== undefined) return { percent: discount.percent };
  return discount?.amount === undefined ? undefined : { amount: discount.amount };
}

function inputOf({ quantity, unitPrice, discount, tax }: LineItem): LineInput {
  return {
    ...{ quantity, unitPrice, discount: discountOf(discount) },
    tax: tax && {
      mode: modes[tax.mode] ?? 'EXCLUSIVE',
      category: codeOf(tax.category),
      rate: tax.rate,
    },
  };
}

function withFigures(line: LineItem, { lines }: DocumentTotals, index: number): LineItem {
  const figures = lines[index];
  if (!figures) throw new Error('A line has no figures.');
  const { amount, documentDiscount, net, tax: taxAmount, gross } = figures;
  return { ...line, amount, documentDiscount, net, taxAmount, gross };
}

function messageOf({ subtotal, discount, net, taxes, tax, gross }: DocumentTotals): LineTotals {
  const ofCategories = taxes.map((each) => ({
    ...each,
    category: categoryOfCode.get(each.category) ?? Category.UNSPECIFIED,
  }));
  return { subtotal, discount, net, taxes: ofCategories, tax, gross };
}
