import { isDeepStrictEqual } from 'node:util';
import { AmountMode, SplitKind, type Deal, type DealSplit } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  TaxCategory,
  TaxMode,
  type LineDiscount,
  type LineItem,
  type LineTotals,
} from '@rapport/contracts/rapport/sales/v1/line_item';
import { isIsoCurrency } from '@rapport/contracts/filters';
import {
  documentTotals,
  minorUnits,
  MoneyError,
  readShares,
  shareOf,
  splitAmount,
  type Discount,
  type DocumentTotals,
  type LineInput,
} from '@rapport/money';
import { isRefusal, type TransactionStatement } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';

/** Codes of UNCL 5305. */
const categoryCodes = {
  [TaxCategory.STANDARD]: 'S',
  [TaxCategory.ZERO_RATED]: 'Z',
  [TaxCategory.EXEMPT]: 'E',
  [TaxCategory.REVERSE_CHARGE]: 'AE',
  [TaxCategory.INTRA_COMMUNITY]: 'K',
  [TaxCategory.EXPORT]: 'G',
  [TaxCategory.OUT_OF_SCOPE]: 'O',
  [TaxCategory.CANARY_ISLANDS]: 'L',
  [TaxCategory.CEUTA_MELILLA]: 'M',
} as const;

const modes = { [TaxMode.EXCLUSIVE]: 'EXCLUSIVE', [TaxMode.INCLUSIVE]: 'INCLUSIVE', [TaxMode.NONE]: 'NONE' } as const;

/** Violations of the lines and splits of a deal. */
export function valueViolations({ before, after }: RecordChange<Deal>): FieldViolation[] {
  const violations = [...lineViolations(after), ...splitViolations(after.splits)];
  return violations.length > 0 ? violations : amountViolations(before, after);
}

/** What follows from the lines and splits of a deal: its amount, the figures of the lines, and the amounts of the splits. */
export function valuesOf(deal: Deal): Partial<Deal> {
  const totals = deal.lineItems.length === 0 ? undefined : totalsOf(deal);
  const isOfLines = deal.amountMode === AmountMode.LINES;
  const currencyCode = deal.lineCurrency ?? '';
  const amount = isOfLines ? totals && { currencyCode, amount: totals.net } : deal.amount;
  return {
    amount,
    lineItems: deal.lineItems.map((line, index) => ({ ...line, ...figuresOf(totals, index) })),
    lineTotals: totals && lineTotals(totals),
    splits: splitAmounts(deal.splits, amount),
  };
}

/** Refuses lines of products that do not exist. Products of stored lines may have been deleted since. */
export function refuseUnknownProducts(changes: readonly RecordChange<Deal>[]): TransactionStatement[] {
  const ids = changes.flatMap(({ before, after }) => {
    const known = new Set(before?.lineItems.map(({ productId }) => productId));
    return after.lineItems.flatMap(({ productId }) =>
      productId === undefined || known.has(productId) ? [] : productId,
    );
  });
  if (ids.length === 0) return [];
  const reason = 'PRODUCT_NOT_FOUND';
  const refusal = { field: 'deal.lineItems', reason, description: 'must have ids of live products' };
  return [
    {
      name: 'refuse_unknown_products',
      sql: `select refuse_unless(not exists (select from unnest($2::uuid[]) wanted (id) where not exists (
        select from product where tenant_id = $1 and product.id = wanted.id and delete_time is null)), '${reason}')`,
      values: [currentCaller().tenantId, ids],
      explain: (error) => (isRefusal(error, reason) ? invalidArgument([refusal]) : error),
    },
  ];
}

/** The input of the totals of lines, for deals and quotes. */
export function lineInput({ quantity, unitPrice, discount, tax }: LineItem): LineInput {
  const { mode = TaxMode.NONE, category = TaxCategory.OUT_OF_SCOPE, rate = '0' } = tax ?? {};
  return {
    quantity,
    unitPrice,
    discount: discountInput(discount),
    tax: tax && {
      mode: modes[mode as keyof typeof modes],
      category: categoryCodes[category as keyof typeof categoryCodes],
      rate,
    },
  };
}

/** @param discount checked by `discountViolations` */
export function discountInput({ percent, amount }: LineDiscount = { percent: undefined, amount: undefined }) {
  return percent === undefined ? (amount === undefined ? undefined : { amount }) : ({ percent } satisfies Discount);
}

export function discountViolations(field: string, discount: LineDiscount | undefined): FieldViolation[] {
  if (!discount || (discount.percent === undefined) !== (discount.amount === undefined)) return [];
  return [{ field, reason: 'PERCENT_OR_AMOUNT', description: 'must have either percent or amount' }];
}

/** Totals as their message of the contract. */
export function lineTotals({ subtotal, discount, net, taxes, tax, gross }: DocumentTotals): LineTotals {
  const numbers = Object.fromEntries(Object.entries(categoryCodes).map(([number, code]) => [code, Number(number)]));
  return {
    ...{ subtotal, discount, net, tax, gross },
    taxes: taxes.map(({ category, ...rest }) => ({ ...rest, category: numbers[category] ?? TaxCategory.UNSPECIFIED })),
  };
}

/** The figures of one line in its message. */
export function figuresOf(totals: DocumentTotals | undefined, index: number): Partial<LineItem> {
  const { tax, ...figures } = totals?.lines[index] ?? {};
  return { ...figures, ...(tax !== undefined && { taxAmount: tax }) };
}

function totalsOf({ lineCurrency = '', lineItems }: Deal): DocumentTotals {
  return documentTotals({ currency: lineCurrency, lines: lineItems.map(lineInput) });
}

function lineViolations(deal: Deal): FieldViolation[] {
  const { lineCurrency, lineItems } = deal;
  if (lineItems.length === 0) return [];
  if (lineCurrency === undefined) {
    return [{ field: 'lineCurrency', reason: 'REQUIRED', description: 'must be set if there are lines' }];
  }
  if (!isIsoCurrency(lineCurrency) || minorUnits(lineCurrency) === undefined) {
    const description = 'must be a currency code of ISO 4217 with a minor unit, such as EUR';
    return [{ field: 'lineCurrency', reason: 'UNKNOWN_CURRENCY', description }];
  }
  const violations = lineItems.flatMap(({ discount }, index) =>
    discountViolations(`lineItems[${index}].discount`, discount),
  );
  return violations.length > 0
    ? violations
    : refusalsOf(
        () => totalsOf(deal),
        (field) => field.replace(/^lines/, 'lineItems'),
      );
}

/** An amount of lines follows from them: another one is refused, unless the deal had it before. */
function amountViolations(before: Deal | undefined, after: Deal): FieldViolation[] {
  if (after.amountMode !== AmountMode.LINES || after.amount === undefined) return [];
  const isKnown = [before?.amount, valuesOf(after).amount].some((known) => isDeepStrictEqual(known, after.amount));
  const description = 'can not be set while amountMode is LINES';
  return isKnown ? [] : [{ field: 'amount', reason: 'NOT_ALLOWED', description }];
}

function splitViolations(splits: readonly DealSplit[]): FieldViolation[] {
  const keys = splits.map(({ ownerId, kind }) => `${ownerId} ${kindOf(kind)}`);
  const twice = keys.flatMap((key, index) =>
    keys.indexOf(key) === index
      ? []
      : [{ field: `splits[${index}].ownerId`, reason: 'DUPLICATE_SPLIT', description: 'must be unique for its kind' }],
  );
  const ofRevenue = splits.filter(({ kind }) => kindOf(kind) === SplitKind.REVENUE);
  const shares = ofRevenue.map(({ share }) => share);
  const refused = shares.length === 0 ? [] : refusalsOf(() => readShares(shares, 'splits'));
  const overlays = splits.flatMap(({ kind, share }, index) =>
    kindOf(kind) === SplitKind.OVERLAY ? refusalsOf(() => shareOf(unit, share, `splits[${index}].share`)) : [],
  );
  return [...twice, ...refused, ...overlays];
}

const unit = { currency: 'EUR', amount: '1' };

function kindOf(kind: SplitKind): SplitKind {
  return kind === SplitKind.UNSPECIFIED ? SplitKind.REVENUE : kind;
}

function splitAmounts(splits: readonly DealSplit[], money: Deal['amount']): DealSplit[] {
  const amount = money && { currency: money.currencyCode, amount: money.amount };
  const ofRevenue = splits.filter(({ kind }) => kindOf(kind) === SplitKind.REVENUE);
  const shares = ofRevenue.map(({ share }) => share);
  const parts = amount && shares.length > 0 ? splitAmount(amount, shares) : [];
  return splits.map((split) => {
    const kind = kindOf(split.kind);
    const overlay = amount && kind === SplitKind.OVERLAY ? shareOf(amount, split.share) : undefined;
    return { ...split, kind, amount: overlay ?? parts[ofRevenue.indexOf(split)] };
  });
}

function refusalsOf(compute: () => unknown, fieldOf = (field: string) => field): FieldViolation[] {
  try {
    compute();
    return [];
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    return error.violations.map((violation) => ({ ...violation, field: fieldOf(violation.field) }));
  }
}
