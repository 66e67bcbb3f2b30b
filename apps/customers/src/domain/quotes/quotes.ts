import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { QuotesServiceService } from '@rapport/contracts/rapport/sales/v1/quotes_service';
import { isRefusal, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { sameValue } from '../../engine/values/same-value.js';
import { computeLines } from '../line-items/line-totals.js';
import { expiryStatements } from './expire-quote.js';

const normalise = normaliserOf<Quote>(recordContract('rapport/Quote'));

/** What the customer sees. It is fixed once the quote is no draft. */
const content = [
  ...(['title', 'dealId', 'customerId', 'currency', 'validUntil'] as const),
  ...(['conditions', 'issuer', 'lineItems', 'discount'] as const),
];

/** What only actions change, as a new quote has it. */
const unsent = { state: QuoteState.DRAFT, revision: 1 };

/** Quotes: offers for deals, which customers accept by links. */
export const quotes = defineRecord<Quote>('rapport/Quote', QuotesServiceService, {
  indexVersion: 1,
  needs: ['dealId'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    const { lineItems = record.lineItems, violations: wrong } = computeLines(record);
    return { record: { ...record, lineItems, ...(!before && unsent) }, violations: [...violations, ...wrong] };
  },
  guard: contentViolations,
  stamp({ before, after, needs }) {
    // They depend on the currency and the discount too, which an update can change alone.
    const { lineItems = after.lineItems, totals } = computeLines(after);
    const total = totals && { currencyCode: after.currency, amount: totals.gross };
    const figures = { lineItems, totals, total };
    if (before) return figures;
    const deal = needs['dealId'] as Deal | undefined;
    const customerId = after.customerId ?? deal?.customerId;
    return { ...figures, customerId };
  },
  detail: ({ number }) => number,
  also: expiryStatements,
  restored: (records) => expiryStatements(records.map((after) => ({ before: undefined, after }))),
  deleted: (records) => {
    const accepted = records.filter(({ state }) => state === QuoteState.ACCEPTED);
    return accepted.length === 0 ? [] : [refuseDeletion()];
  },
});

export const QuotesController = recordController(quotes, QuotesServiceService);

function contentViolations({ before, after }: RecordChange<Quote>): FieldViolation[] {
  if (!before || before.state === QuoteState.DRAFT) return [];
  const changed = content.filter((name) => !sameValue(before[name], after[name]));
  const description = 'can not be changed, because the quote is no draft; revise it';
  return changed.map((field) => ({ field, reason: 'NOT_DRAFT', description }));
}

/** An accepted quote is what a deal was won by. */
function refuseDeletion(): TransactionStatement {
  const reason = 'QUOTE_STATE';
  return {
    name: 'refuse_quote_deletion',
    sql: `select refuse_unless($1::uuid is null, '${reason}')`,
    values: [currentCaller().tenantId],
    explain: (error) =>
      isRefusal(error, reason)
        ? new AppError('FAILED_PRECONDITION', reason, 'An accepted quote can not be deleted.')
        : error,
  };
}
