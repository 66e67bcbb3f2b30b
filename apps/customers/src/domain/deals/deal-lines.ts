import { isDeepStrictEqual } from 'node:util';
import { AmountMode, SplitKind, type Deal, type DealSplit } from '@rapport/contracts/rapport/sales/v1/deal';
import { MoneyError, readShares, shareOf, splitAmount } from '@rapport/money';
import type { FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { computeLines, type ComputedLines } from '../line-items/line-totals.js';

/** Violations of the lines and splits of a deal. */
export function valueViolations({ before, after }: RecordChange<Deal>): FieldViolation[] {
  const violations = [...lineViolations(after), ...splitViolations(after.splits)];
  return violations.length > 0 ? violations : amountViolations(before, after);
}

/** What follows from the lines and splits of a deal: its amount, the figures of the lines, and the amounts of the splits. */
export function valuesOf(deal: Deal): Partial<Deal> {
  const { lineItems = deal.lineItems, totals } = deal.lineItems.length === 0 ? {} : linesOf(deal);
  const ofLines = totals && { currencyCode: deal.lineCurrency ?? '', amount: totals.net };
  const amount = deal.amountMode === AmountMode.LINES ? ofLines : deal.amount;
  return { amount, lineItems, lineTotals: totals, splits: splitAmounts(deal.splits, amount) };
}

function linesOf({ lineCurrency: currency = '', lineItems }: Deal): ComputedLines {
  return computeLines({ currency, lineItems });
}

function lineViolations(deal: Deal): FieldViolation[] {
  if (deal.lineItems.length === 0) return [];
  if (deal.lineCurrency === undefined) {
    return [{ field: 'lineCurrency', reason: 'REQUIRED', description: 'must be set if there are lines' }];
  }
  return linesOf(deal).violations.map((each) =>
    each.field === 'currency' ? { ...each, field: 'lineCurrency' } : each,
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
  const twice = keys.flatMap((key, index): FieldViolation[] =>
    keys.indexOf(key) === index
      ? []
      : [{ field: `splits[${index}].ownerId`, reason: 'DUPLICATE', description: 'must be unique for its kind' }],
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

function refusalsOf(compute: () => unknown): FieldViolation[] {
  try {
    compute();
    return [];
  } catch (error) {
    if (!(error instanceof MoneyError)) throw error;
    return [...error.violations];
  }
}
