import type { EntityManager } from '@mikro-orm/postgresql';
import { ArticleAudience } from '@rapport/contracts/rapport/content/v1/article';
import type {
  FoundArticle,
  SuggestArticlesRequest,
} from '@rapport/contracts/rapport/content/v1/article_actions_service';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { readForTenant } from '@rapport/persistence';
import { allows, AppError, currentCaller, cutText, permissionMissing } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { permissionOf } from '../../engine/fields/record-names.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { ticketEntries } from '../tickets/ticket-entries.js';
import { tickets } from '../tickets/tickets.js';
import { findArticles } from './find-articles.js';

/** Most characters of a message of which articles have the words. */
const maxMessage = 2_000;

/**
 * Handles SuggestArticles.
 *
 * @throws AppError NOT_FOUND; PERMISSION_DENIED without access to tickets and to the personal data in them
 */
export async function suggestArticles(
  em: EntityManager,
  { ticketId, pageSize = 5 }: SuggestArticlesRequest,
): Promise<FoundArticle[]> {
  const needed = permissionOf(tickets, 'read');
  if (!allows(currentCaller().permissions, needed)) throw permissionMissing(needed);
  // Suggestions reveal what the ticket says.
  if (isHiding())
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
  const stored = await readForTenant<StoredRecord<Ticket>>(em, liveRecords(tickets, [ticketId]));
  const [found] = await openStored(tickets, stored);
  const { subject, language } = await liveRecord(em, tickets, ticketId, found);
  const q = `${subject} ${await lastMessage(em, ticketId)}`;
  if (!/[\p{L}\p{N}]/u.test(q)) return [];
  const search = { q, audience: ArticleAudience.AGENTS, limit: pageSize, needsAll: false };
  const own = await findArticles(em, { ...search, locale: language });
  return own.length > 0 || language === undefined ? own : findArticles(em, search);
}

async function lastMessage(em: EntityManager, ticketId: string): Promise<string> {
  const [last] = await readForTenant<{ id: string }>(em, {
    name: 'last_words_of_customer',
    sql: `select id from ticket_entry where tenant_id = $1 and ticket_id = $2 and kind = 'CUSTOMER_MESSAGE'
        and delete_time is null order by create_time desc, id desc limit 1`,
    values: [currentCaller().tenantId, ticketId],
  });
  if (!last) return '';
  const stored = await readForTenant<StoredRecord<TicketEntry>>(em, liveRecords(ticketEntries, [last.id]));
  const [entry] = await openStored(ticketEntries, stored);
  return entry ? cutText(entry.text, maxMessage) : '';
}
