import { TicketCategory, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import {
  TicketEntryAuthor,
  TicketEntryKind,
  type TicketEntry,
} from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type {
  AddTicketMessageRequest,
  AddTicketNoteRequest,
  TicketEntryResult,
} from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, callContext, flowOrigin, invalidArgument, invalidField } from '@rapport/platform';
import type { Notice } from '../../engine/fields/record-definition.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { mentionedIn, noticeStatements } from '../../engine/records/notices.js';
import { LinkedRecords } from '../../engine/records/references.js';
import { checkOwners, usersIn } from '../../engine/records/scope/named-owners.js';
import { addEntry, type AddedEntry } from '../tickets/ticket-writes.js';
import { lockUnmerged } from './locked-ticket.js';

/** Handles AddTicketNote. */
export async function addTicketNote(
  transaction: StatementTransaction,
  { id, etag, note }: AddTicketNoteRequest,
): Promise<TicketEntryResult> {
  if (!note) throw invalidField('note', 'REQUIRED', 'is required');
  const text = requiredText(note.text, 'note.text');
  await checkOwners(
    note.mentions.map((userId, index) => ({ field: `note.mentions[${index}]`, kind: 'PRINCIPAL', id: userId })),
    usersIn(text),
  );
  const { before } = await lockUnmerged(transaction, id);
  const added = { kind: TicketEntryKind.INTERNAL_NOTE, by: authorOfCall(), text };
  const result = await addEntry(transaction, before, added, etag);
  const mentioned = [...new Set([...mentionedIn(text), ...note.mentions])];
  transaction.later(...noticeStatements(mentioned.map((userId) => mention(result.entry, result.ticket, userId))));
  return result;
}

/** Handles AddTicketMessage. */
export async function addTicketMessage(
  transaction: StatementTransaction,
  { id, etag, message }: AddTicketMessageRequest,
): Promise<TicketEntryResult> {
  if (!message) throw invalidField('message', 'REQUIRED', 'is required');
  if (message.customerId !== undefined) await lockAuthor(transaction, message.customerId);
  const { before } = await lockUnmerged(transaction, id);
  if (before.category === TicketCategory.CLOSED)
    throw new AppError('FAILED_PRECONDITION', 'TICKET_CLOSED', 'The ticket is closed. Create another one.');
  const added: AddedEntry = {
    kind: TicketEntryKind.CUSTOMER_MESSAGE,
    by: TicketEntryAuthor.HUMAN,
    customerId: message.customerId,
    text: requiredText(message.text, 'message.text'),
  };
  return addEntry(transaction, before, added, etag);
}

/**
 * Locks the customer who wrote a message until the transaction ends, as an erasure does: before the ticket.
 *
 * @throws AppError INVALID_ARGUMENT
 */
async function lockAuthor(transaction: StatementTransaction, id: string): Promise<void> {
  const description = 'must be the id of a live customer';
  const place = { field: 'message.customerId', reason: 'CUSTOMER_NOT_FOUND' as const, description };
  const link = { ...place, target: customerType().contract.type, id, rule: undefined, isKept: false };
  const violations = (await new LinkedRecords().lock(transaction, [link])).violations([link]);
  if (violations.length > 0) throw invalidArgument(violations);
}

/** A flow is a machine. Other callers may be programs of people, and say so themselves if nobody wrote the text. */
export function authorOfCall(isAutomatic?: boolean): TicketEntryAuthor {
  const isMachine = isAutomatic ?? callContext.getStore()?.cause?.origin === flowOrigin;
  return isMachine ? TicketEntryAuthor.MACHINE : TicketEntryAuthor.HUMAN;
}

/** @throws AppError INVALID_ARGUMENT for a blank text */
export function requiredText(text: string | undefined, field: string): string {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') throw invalidField(field, 'REQUIRED', 'must not be blank');
  return trimmed;
}

/** Notifies of the ticket, where the note is shown. */
function mention({ id }: TicketEntry, ticket: Ticket, userId: string): Notice {
  const record = { recordType: 'ticket', recordId: ticket.id, version: etagVersion(ticket.etag) };
  return { kind: 'MENTIONED', userId, cause: `ticketEntry/${id}`, ...record };
}
