import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryKind, type TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { etagVersion, type StatementTransaction, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { Notice, NoticeKind, RecordChange } from '../../engine/fields/record-definition.js';
import { noticeStatements } from '../../engine/records/notices.js';

/** A ticket has another status. The notifications of a message that opens the ticket say so already. */
export function statusNotices({ before, after, beside }: RecordChange<Ticket>): Notice[] {
  const { kind, authorId } = (beside ?? {}) as Partial<TicketEntry>;
  if (!before || before.status === after.status || kind === TicketEntryKind.CUSTOMER_MESSAGE) return [];
  const notices = noticesOfTicket(after, 'STATUS_CHANGED', `ticket/${after.id}@${etagVersion(after.etag)}`);
  // The author of a reply by mail is not the caller, which is the mail service.
  return notices.filter(({ userId }) => userId !== authorId);
}

/** The statements that notify of a message of a customer, also the owners of the requester and of its writer. */
export async function messageNotices(
  write: StatementTransaction,
  ticket: Ticket,
  { id, kind, customerId }: TicketEntry,
): Promise<TransactionStatement[]> {
  if (kind !== TicketEntryKind.CUSTOMER_MESSAGE) return [];
  const rows = await write.rows<{ owner_id: string }>({
    name: 'owners_of_customers',
    sql: `select owner_id from customer
      where tenant_id = $1 and id = any ($2::uuid[]) and owner_id is not null and delete_time is null`,
    values: [currentCaller().tenantId, [ticket.customerId, customerId]],
  });
  const owners = rows.map((row) => row.owner_id);
  return noticeStatements(noticesOfTicket(ticket, 'CUSTOMER_MESSAGE', `ticketEntry/${id}`, owners));
}

/** Notifies the owner and the followers of a ticket. @param others who are notified, too */
function noticesOfTicket(
  { id, etag, ownerId, followerIds }: Ticket,
  kind: NoticeKind,
  cause: string,
  others: readonly string[] = [],
): Notice[] {
  const record = { recordType: 'ticket', recordId: id, version: etagVersion(etag) };
  const userIds = new Set([...(ownerId === undefined ? [] : [ownerId]), ...followerIds, ...others]);
  return [...userIds].map((userId) => ({ kind, userId, cause, ...record }));
}
