import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import type {
  QuoteRefusal,
  SendQuoteRequest,
  SendQuoteResponse,
} from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import {
  changeRecord,
  createRecord,
  readForChange,
  type Known,
  type RecordRequest,
} from '../../engine/write/write-record.js';
import { withLiveProducts } from '../line-items/line-products.js';
import { newLink, removeLinks } from '../links/public-links.js';
import { dayOfWorkspace, hasExpired } from './quote-days.js';
import { quotes } from './quotes.js';

/** A quote whose row is locked, and what its change needs. */
export interface LockedQuote {
  before: Quote;
  known: Known;
}

/** Locks a quote that is in one of some states. @throws AppError NOT_FOUND, FAILED_PRECONDITION QUOTE_STATE */
export async function lockQuote(
  transaction: StatementTransaction,
  id: string,
  states: readonly QuoteState[],
): Promise<LockedQuote> {
  const { record, ...known } = await readForChange(transaction, quotes, id);
  const before = await liveRecord(transaction, quotes, id, record);
  if (states.includes(before.state)) return { before, known };
  const state = QuoteState[before.state];
  throw new AppError('FAILED_PRECONDITION', 'QUOTE_STATE', `The quote is ${state}, which does not allow this.`, {
    metadata: { state },
  });
}

/**
 * Locks all quotes of the deal of a quote, in the order of their ids: actions that change several of them wait for each other, and
 * never for each other's locks. @returns their ids
 */
export async function lockQuotesOfDeal(transaction: StatementTransaction, id: string): Promise<string[]> {
  const rows = await transaction.rows<{ id: string }>({
    name: 'lock_quotes_of_deal',
    sql: `select id from quote where tenant_id = $1
        and deal_id = (select deal_id from quote where tenant_id = $1 and id = $2) order by id for update`,
    values: [currentCaller().tenantId, id],
  });
  return rows.map((row) => row.id);
}

/** Changes the given fields of a locked quote. */
export function changeQuote(
  transaction: StatementTransaction,
  { before, known }: LockedQuote,
  changes: Partial<Quote>,
  etag?: string,
): Promise<Quote> {
  const mask = Object.keys(changes);
  return changeRecord(transaction, quotes, before, known, { changes: { ...before, ...changes }, mask, etag });
}

/** Handles SubmitQuote. */
export async function submitQuote(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Quote> {
  const quote = await lockQuote(transaction, id, [QuoteState.DRAFT]);
  refuseUnready(quote.before);
  return changeQuote(transaction, quote, { state: QuoteState.IN_APPROVAL }, etag);
}

/** Handles ApproveQuote. */
export async function approveQuote(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Quote> {
  const quote = await lockQuote(transaction, id, [QuoteState.IN_APPROVAL]);
  return changeQuote(transaction, quote, { state: QuoteState.APPROVED, reason: undefined }, etag);
}

/** Handles RejectQuote. */
export async function rejectQuote(
  transaction: StatementTransaction,
  { id, etag, refusal }: RecordRequest & { refusal?: QuoteRefusal | undefined },
): Promise<Quote> {
  const quote = await lockQuote(transaction, id, [QuoteState.IN_APPROVAL]);
  return changeQuote(transaction, quote, { state: QuoteState.DRAFT, reason: refusal?.reason }, etag);
}

/** Handles DeclineQuote, and the same answer of a customer. */
export async function declineQuote(
  transaction: StatementTransaction,
  { id, etag, refusal }: RecordRequest & { refusal?: QuoteRefusal | undefined },
): Promise<Quote> {
  const quote = await lockQuote(transaction, id, [QuoteState.SENT]);
  transaction.later(removeLinks('QUOTE', id));
  const answer = { state: QuoteState.DECLINED, reason: refusal?.reason, answerTime: new Date().toISOString() };
  return changeQuote(transaction, quote, answer, etag);
}

/** Handles SendQuote. */
export async function sendQuote(
  transaction: StatementTransaction,
  { id, etag }: SendQuoteRequest,
): Promise<SendQuoteResponse> {
  await lockQuotesOfDeal(transaction, id);
  const quote = await lockQuote(transaction, id, [QuoteState.DRAFT, QuoteState.APPROVED, QuoteState.SENT]);
  const { before } = quote;
  refuseUnready(before, await dayOfWorkspace(transaction));
  const link = newLink('QUOTE', id);
  transaction.later(removeLinks('QUOTE', id), link.store);
  const number = before.number ?? (await nextNumber(transaction));
  const sendTime = before.sendTime ?? new Date().toISOString();
  const sent = await changeQuote(transaction, quote, { state: QuoteState.SENT, number, sendTime }, etag);
  if (before.previousId !== undefined) await supersede(transaction, before.previousId);
  return { quote: sent, path: `/q/${link.token}` };
}

/** Handles ReviseQuote. */
export async function reviseQuote(
  transaction: StatementTransaction,
  { id, requestId }: { id: string; requestId?: string | undefined },
): Promise<Quote> {
  const ended = [QuoteState.SENT, QuoteState.DECLINED, QuoteState.EXPIRED];
  const { before } = await lockQuote(transaction, id, ended);
  const { title, dealId, customerId, currency, validUntil, conditions, issuer, discount } = before;
  const lineItems = await withLiveProducts(transaction, before.lineItems);
  const { ownerId, ownerTeamId, customFields, tags, number = '' } = before;
  const revision = before.revision + 1;
  const quote: Quote = {
    ...quotes.empty(),
    ...{ title, dealId, customerId, currency, validUntil, conditions, issuer, lineItems, discount },
    ...{ ownerId, ownerTeamId, customFields, tags },
  };
  const made = await createRecord(transaction, quotes, { ...{ quote }, requestId });
  const draft = await lockQuote(transaction, made.id, [QuoteState.DRAFT]);
  const revised = { revision, previousId: id, number: `${firstNumber(number)}-${revision}` };
  return changeQuote(transaction, draft, revised);
}

/** The number of the first revision. @param number such as `Q-00017-2` */
export function firstNumber(number: string): string {
  return /^Q-\d+/.exec(number)?.[0] ?? number;
}

/** Ends an offer that another one has replaced, unless it has ended otherwise. */
export async function supersede(transaction: StatementTransaction, id: string): Promise<void> {
  const { record, ...known } = await readForChange(transaction, quotes, id);
  if (!record || record.deleteTime !== undefined || !open.has(record.state)) return;
  transaction.later(removeLinks('QUOTE', id));
  await changeQuote(transaction, { before: record, known }, { state: QuoteState.SUPERSEDED });
}

const open = new Set([
  ...[QuoteState.DRAFT, QuoteState.IN_APPROVAL, QuoteState.APPROVED, QuoteState.SENT],
  ...[QuoteState.DECLINED, QuoteState.EXPIRED],
]);

/** @param today checks that the quote can still be accepted */
function refuseUnready(quote: Quote, today?: string): void {
  const violations: FieldViolation[] = [];
  if (quote.lineItems.length === 0)
    violations.push({ field: 'quote.lineItems', reason: 'REQUIRED', description: 'must have an item' });
  if (today !== undefined && hasExpired(quote, today))
    violations.push({ field: 'quote.validUntil', reason: 'IN_PAST', description: 'must not be over' });
  if (violations.length > 0) throw invalidArgument(violations);
}

/**
 * The next number of the tenant. Its row is locked until the end of the transaction, which gives the number back if it fails. The
 * quotes of an imported workspace have numbers before there is a row.
 */
async function nextNumber(transaction: StatementTransaction): Promise<string> {
  const [row = await numberAfterImport(transaction)] = await transaction.rows<{ number: number }>({
    name: 'next_quote_number',
    sql: `update quote_number set last_number = last_number + 1 where tenant_id = $1 returning last_number as number`,
    values: [currentCaller().tenantId],
  });
  return `Q-${String(row.number).padStart(5, '0')}`;
}

async function numberAfterImport(transaction: StatementTransaction): Promise<{ number: number }> {
  const [row] = await transaction.rows<{ number: number }>({
    name: 'first_quote_number',
    sql: `insert into quote_number (tenant_id, last_number)
      values ($1, 1 + coalesce((select max(substring(number from '^Q-([0-9]+)')::integer) from quote), 0))
      on conflict (tenant_id) do update set last_number = quote_number.last_number + 1 returning last_number as number`,
    values: [currentCaller().tenantId],
  });
  return row!;
}
