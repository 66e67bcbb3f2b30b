import type { EntityManager } from '@mikro-orm/postgresql';
import { dayAt } from '@rapport/contracts/filters';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import {
  QuoteActionsServiceService as Methods,
  type AnswerQuotePageRequest,
  type ShowQuotePageRequest,
} from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { readForTenant, type StatementTransaction } from '@rapport/persistence';
import { AppError, pageLanguage, type PageLanguage } from '@rapport/platform';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { formReader, pageBody } from '../links/page-forms.js';
import { pageNotFound, throughLink, type LinkParts, type PublicLink } from '../links/public-links.js';
import { acceptQuote } from './accept-quote.js';
import { declineQuote } from './change-quote.js';
import { hasExpired } from './quote-days.js';
import type { QuoteReader } from './quote-document.js';
import { answeredPage, openPage, type Notice } from './quote-page.js';
import { quotes } from './quotes.js';

/** Handles ShowQuotePage. It changes nothing: programs follow the links in mails. */
export function showQuotePage(parts: LinkParts, { token, acceptLanguage }: ShowQuotePageRequest): Promise<HttpBody> {
  return throughLink(parts, 'QUOTE', token, async ({ recordId }) => {
    const quote = await sentQuote(parts.em, recordId);
    const reader = await readerOf(parts.em, pageLanguage(acceptLanguage));
    return pageBody(openPage(quote, reader, noticeOf(quote, reader)));
  });
}

/** Handles AnswerQuotePage. */
export function answerQuotePage(
  parts: LinkParts,
  { token, acceptLanguage, form }: AnswerQuotePageRequest,
): Promise<HttpBody> {
  const language = pageLanguage(acceptLanguage);
  const answer = readForm(form);
  return throughLink(parts, 'QUOTE', token, async (link) => {
    const { em } = parts;
    if (answer.kind === 'accept' && answer.name === '') {
      const page = openPage(await sentQuote(em, link.recordId), await readerOf(em, language), 'nameMissing');
      return pageBody(page, { ':status': '422' });
    }
    try {
      return await storeAnswer(em, link, answer, language);
    } catch (error) {
      return pageBody(await refusedPage(em, link.recordId, language, error), { ':status': '409' });
    }
  });
}

interface Answer {
  kind: 'accept' | 'decline';
  name: string;
  reason: string | undefined;
}

/** @throws AppError INVALID_ARGUMENT for a form that did not come from a page of this service */
function readForm(form: HttpBody | undefined): Answer {
  const text = formReader(form);
  const kind = text('answer', 10);
  if (kind !== 'accept' && kind !== 'decline')
    throw new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The form has no answer.');
  return { kind, name: text('name', 150), reason: text('reason', 1_000) || undefined };
}

function storeAnswer(
  em: EntityManager,
  { recordId: id, tenantId }: PublicLink,
  { kind, name, reason }: Answer,
  language: PageLanguage,
): Promise<HttpBody> {
  // The token stays out of what the write knows of its request.
  const request = { token: '', acceptLanguage: language, form: undefined, requestId: undefined };
  return hotWriteCall(em, Methods.answerQuotePage, request, async (transaction) => {
    const isAccepted = kind === 'accept';
    const quote = isAccepted
      ? await acceptQuote(transaction, { id, name, language })
      : await declineQuote(transaction, { id, refusal: { reason } });
    return pageBody(answeredPage(quote, await readerOf(transaction, language), isAccepted), { tenant: tenantId });
  });
}

/** @throws AppError NOT_FOUND PAGE_NOT_FOUND for a quote that has been answered meanwhile, `error` for what is no refusal */
async function refusedPage(em: EntityManager, id: string, language: PageLanguage, error: unknown) {
  if (!(error instanceof AppError)) throw error;
  if (error.reason === 'QUOTE_NOT_FOUND') throw pageNotFound();
  const reader = await readerOf(em, language);
  // Of a quote that has been answered there is no page.
  if (error.reason === 'QUOTE_STATE') return openPage(await sentQuote(em, id), reader, 'expired');
  const isRefused = error.code === 'FAILED_PRECONDITION' || error.code === 'INVALID_ARGUMENT';
  const isGone = error.reason === 'DEAL_NOT_FOUND';
  if (!isRefused && !isGone) throw error;
  const notice: Notice = error.reason === 'QUOTE_EXPIRED' ? 'expired' : 'blocked';
  return openPage(await sentQuote(em, id), reader, notice);
}

/** @throws AppError NOT_FOUND PAGE_NOT_FOUND for a quote that has been answered or replaced */
async function sentQuote(em: EntityManager, id: string): Promise<Quote> {
  const stored = await readForTenant<StoredRecord<Quote>>(em, liveRecords(quotes, [id]));
  const [quote] = await openStored(quotes, stored);
  if (quote?.state === QuoteState.SENT || quote?.state === QuoteState.EXPIRED) return quote;
  throw pageNotFound();
}

async function readerOf(source: EntityManager | StatementTransaction, language: PageLanguage): Promise<QuoteReader> {
  return { language, timeZone: await workspaceTimeZone(source) };
}

function noticeOf(quote: Quote, { timeZone }: QuoteReader): Notice | undefined {
  const isOver = quote.state === QuoteState.EXPIRED || hasExpired(quote, dayAt(new Date(), timeZone));
  return isOver ? 'expired' : undefined;
}
