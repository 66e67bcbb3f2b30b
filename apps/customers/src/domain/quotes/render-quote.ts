import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import type {
  ExportQuoteUblRequest,
  RenderQuoteRequest,
} from '@rapport/contracts/rapport/sales/v1/quote_actions_service';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { contentIdOf, File } from '../../engine/files/file.entity.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { keyOfFile } from '../../engine/files/sealed-files.js';
import { workspaceTimeZone } from '../../engine/query/workspace-time-zone.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { quoteDocument } from './quote-document.js';
import { quotes } from './quotes.js';
import { ublQuotation } from './ubl-quotation.js';

const contentType = 'text/html; charset=utf-8';

/**
 * Handles RenderQuote.
 *
 * @throws AppError NOT_FOUND; PERMISSION_DENIED to a caller from whom personal data is hidden
 */
export async function* renderQuote(
  em: EntityManager,
  store: FileStore,
  { id, language }: RenderQuoteRequest,
): AsyncGenerator<HttpBody, void> {
  const quote = await shownQuote(em, id);
  const kept = quote.acceptance && (await keptFile(em, quote.acceptance.fileId));
  if (!kept) {
    const reader = { language: language === 'zh-CN' ? language : 'en', timeZone: await workspaceTimeZone(em) } as const;
    const { text } = quoteDocument(quote, reader);
    yield { contentType, data: Buffer.from(text), extensions: [] };
    return;
  }
  yield { contentType, data: Buffer.alloc(0), extensions: [] };
  const { sizeBytes, bytes } = kept;
  for await (const data of store.read(em, () => Promise.resolve(bytes), { from: 0, to: sizeBytes }))
    yield { contentType: '', data, extensions: [] };
}

/**
 * Handles ExportQuoteUbl.
 *
 * @throws AppError NOT_FOUND; INVALID_ARGUMENT without lines; PERMISSION_DENIED to a caller from whom personal data is hidden
 */
export async function* exportQuoteUbl(
  em: EntityManager,
  { id }: ExportQuoteUblRequest,
): AsyncGenerator<HttpBody, void> {
  const quote = await shownQuote(em, id);
  if (quote.lineItems.length === 0)
    throw invalidArgument([{ field: 'quote.lineItems', reason: 'REQUIRED', description: 'must have an item' }]);
  const text = ublQuotation(quote, await workspaceTimeZone(em));
  yield { contentType: 'application/xml; charset=utf-8', data: Buffer.from(text), extensions: [] };
}

/** A quote with its personal data. */
async function shownQuote(em: EntityManager, id: string): Promise<Quote> {
  if (isHiding())
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
  const stored = await readForTenant<StoredRecord<Quote>>(em, liveRecords(quotes, [id]));
  const [quote] = await openStored(quotes, stored);
  if (!quote) throw await missingRecord(em, quotes, id);
  return quote;
}

/** The accepted document; undefined when its file was deleted. */
async function keptFile(em: EntityManager, id: string) {
  const key = { tenantId: currentCaller().tenantId, id, deleteTime: null };
  const file = await em.findOne(File, key, { disableIdentityMap: true });
  const sealedBy = file && (await keyOfFile(file));
  if (!file || sealedBy === null) return undefined;
  return { sizeBytes: file.sizeBytes, bytes: { contentId: contentIdOf(file), key: sealedBy } };
}
