import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import {
  TicketEntryAuthor,
  TicketEntryKind,
  type TicketEntry,
} from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { SplitTicketRequest, TicketSplitResult } from '@rapport/contracts/rapport/support/v1/ticket_work_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { invalidArgument, invalidField, type FieldViolation } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { createRecord } from '../../engine/write/write-record.js';
import { ticketEntries } from '../tickets/ticket-entries.js';
import { addEntry, changeTicket } from '../tickets/ticket-writes.js';
import { refuseMerged, tickets } from '../tickets/tickets.js';
import { moveEntries } from './move-entries.js';
import { lockTickets } from './open-tickets.js';

/** Handles SplitTicket. */
export async function splitTicket(
  transaction: StatementTransaction,
  { id, split, etag }: SplitTicketRequest,
): Promise<TicketSplitResult> {
  if (!split) throw invalidField('split', 'REQUIRED', 'is required');
  const found = await lockTickets(transaction, [id]);
  const before = await liveRecord(transaction, tickets, id, found.get(id));
  checkEtag(etag, etagVersion(before.etag));
  refuseMerged(before);
  const entries = await entriesOf(transaction, before, split.entryIds);
  const subject = split.subject ?? entries[0]?.subject ?? before.subject;
  const created = await createRecord(transaction, tickets, { ticket: copyOf(before, subject) } as object);
  const followed = { splitFromId: id, ...timesOf(entries) };
  const named = await changeTicket(transaction, created.id, followed);
  await moveEntries(transaction, { from: id, to: created.id, ids: split.entryIds });
  const { ticket } = await addEntry(transaction, before, {
    ...{ kind: TicketEntryKind.SYSTEM, by: TicketEntryAuthor.MACHINE },
    text: `Entries of this ticket were split into ticket #${created.number}.`,
  });
  return { ticket, created: named };
}

/** The entries to move, in the order in which they were written. */
async function entriesOf(
  transaction: StatementTransaction,
  { id }: Ticket,
  ids: readonly string[],
): Promise<TicketEntry[]> {
  const rows = await transaction.rows<StoredRecord<TicketEntry>>(liveRecords(ticketEntries, ids));
  const entries = (await openStored(ticketEntries, rows)).filter(({ ticketId }) => ticketId === id);
  const known = new Set(entries.map((entry) => entry.id));
  const violations = ids.flatMap((entryId, index): FieldViolation[] => {
    const field = `split.entryIds[${index}]`;
    if (ids.indexOf(entryId) < index) return [{ field, reason: 'DUPLICATE', description: 'must be unique' }];
    const description = 'must be the id of an entry of the ticket';
    return known.has(entryId) ? [] : [{ field, reason: 'ENTRY_NOT_FOUND', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  return entries.toSorted((one, other) => (one.createTime ?? '').localeCompare(other.createTime ?? ''));
}

function copyOf(ticket: Ticket, subject: string): Ticket {
  const { customerId, companyName, queueId, channel, mailboxId, priority, type, language, ownerTeamId } = ticket;
  const copied = { customerId, companyName, queueId, channel, mailboxId, priority, type, language, ownerTeamId };
  return { ...tickets.empty(), ...copied, subject };
}

/** Times of the new ticket that follow from entries. The first response to it is still to come. */
function timesOf(entries: readonly TicketEntry[]): Partial<Ticket> {
  const last = entries.findLast(({ kind }) => kind === TicketEntryKind.CUSTOMER_MESSAGE);
  return last ? { lastCustomerMessageTime: last.createTime } : {};
}
