import { dayAt } from '@rapport/contracts/filters';
import { DealStatus, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, type PageLanguage } from '@rapport/platform';
import { storeFile } from '../../engine/files/store-file.js';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { notFound } from '../../engine/records/record-changes.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { stageOfKind } from '../deals/close-deal.js';
import { deals } from '../deals/deals.js';
import { withLiveProducts } from '../line-items/line-products.js';
import { removeLinks } from '../links/public-links.js';
import { pipelines } from '../pipelines/pipelines.js';
import { changeQuote, firstNumber, lockQuote, lockQuotesOfDeal, supersede } from './change-quote.js';
import { hasExpired } from './quote-days.js';
import { quoteDocument } from './quote-document.js';
import { linesOfDeal } from './quote-lines.js';
import { quotes } from './quotes.js';

/** The answer of a customer. */
export interface Acceptance {
  id: string;
  /** Of the person. */
  name: string;
  /** Of the kept document. */
  language: PageLanguage;
  etag?: string | undefined;
}

/**
 * Accepts a sent quote: the quote with its document, the deal and the other revisions change in one transaction. Of two acceptances
 * the second finds a quote that is accepted.
 *
 * @throws AppError FAILED_PRECONDITION QUOTE_STATE, QUOTE_EXPIRED, DEAL_NOT_OPEN; INVALID_ARGUMENT for a guard of the deal
 */
export async function acceptQuote(transaction: StatementTransaction, acceptance: Acceptance): Promise<Quote> {
  const { id, name, language, etag } = acceptance;
  const ids = await lockQuotesOfDeal(transaction, id);
  const quote = await lockQuote(transaction, id, [QuoteState.SENT]);
  const { before } = quote;
  const timeZone = await workspaceTimeZone(transaction);
  if (hasExpired(before, dayAt(new Date(), timeZone)))
    throw new AppError('FAILED_PRECONDITION', 'QUOTE_EXPIRED', 'The quote can no longer be accepted.');
  await winDeal(transaction, before);
  const acceptTime = new Date().toISOString();
  const accepted = { name, acceptTime, fileId: '', sha256: '' };
  const document = quoteDocument(
    { ...before, state: QuoteState.ACCEPTED, acceptance: accepted },
    { language, timeZone },
  );
  const file = await storeFile(transaction, {
    ...{ type: quotes, recordId: id, name: `${before.number ?? 'quote'}.html` },
    ...{ contentType: 'text/html; charset=utf-8', data: Buffer.from(document.text) },
  });
  transaction.later(removeLinks('QUOTE', id));
  const kept = { ...accepted, fileId: file.id, sha256: file.sha256 };
  const changes = { state: QuoteState.ACCEPTED, acceptance: kept, answerTime: acceptTime };
  const after = await changeQuote(transaction, quote, changes, etag);
  await supersedeOthers(transaction, before, ids);
  return after;
}

async function winDeal(transaction: StatementTransaction, quote: Quote): Promise<void> {
  const { dealId, lineItems } = quote;
  const { record, ...known } = await readForChange(transaction, deals, dealId);
  const deal = await liveRecord(transaction, deals, dealId, record);
  if (deal.status === DealStatus.LOST)
    throw new AppError('FAILED_PRECONDITION', 'DEAL_NOT_OPEN', 'The deal of the quote is lost.');
  const stage = deal.status === DealStatus.WON ? deal.stage : await wonStage(transaction, deal);
  const changes = { stage, ...linesOfDeal(deal, quote, await withLiveProducts(transaction, lineItems)) };
  const mask = Object.keys(changes);
  await changeRecord(transaction, deals, deal, known, { changes: { ...deal, ...changes }, mask });
}

/** The stage that a won deal of the pipeline enters. Its guards decide. */
async function wonStage(transaction: StatementTransaction, { pipelineId }: Deal): Promise<string> {
  const rows = await transaction.rows<StoredRecord<Pipeline>>(liveRecords(pipelines, [pipelineId]));
  const [pipeline] = await openStored(pipelines, rows);
  if (!pipeline) throw notFound(pipelines);
  return stageOfKind(pipeline, StageKind.WON, { wanted: undefined, field: 'deal.stage' }).stage;
}

/** Ends the other revisions of an accepted quote, and no other offers for the deal. */
async function supersedeOthers(transaction: StatementTransaction, { id, number = '' }: Quote, ids: readonly string[]) {
  const others = ids.filter((each) => each !== id);
  if (others.length === 0) return;
  const rows = await transaction.rows<StoredRecord<Quote>>(liveRecords(quotes, others));
  const revisions = (await openStored(quotes, rows)).filter(
    (each) => each.number !== undefined && firstNumber(each.number) === firstNumber(number),
  );
  for (const revision of revisions) await supersede(transaction, revision.id);
}
