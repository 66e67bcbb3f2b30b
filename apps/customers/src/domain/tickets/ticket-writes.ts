import { TicketCategory, type Ticket, type TicketChannel } from '@rapport/contracts/rapport/support/v1/ticket';
import {
  TicketEntryAuthor,
  TicketEntryKind,
  TicketEntryVisibility,
  type TicketEntry,
} from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { formatEtag, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, ownerIdOf } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { effectsOf } from '../../engine/records/effects.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { insertRecords } from '../../engine/records/record-statements.js';
import { LinkedRecords } from '../../engine/records/references.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { changeRecord, createRecord, readForChange } from '../../engine/write/write-record.js';
import { ticketEntries } from './ticket-entries.js';
import { messageNotices } from './ticket-notices.js';
import { tickets } from './tickets.js';

/** A new ticket. */
export interface OpenedTicket {
  customerId: string;
  subject: string;
  channel: TicketChannel;
  mailboxId?: string | undefined;
  queueId?: string | undefined;
  language?: string | undefined;
  ccAddresses?: string[];
  /** The closed ticket that its first message answers. */
  followUpOfId?: string | undefined;
}

/** A new entry of a ticket. */
export interface AddedEntry {
  kind: TicketEntryKind;
  by: TicketEntryAuthor;
  /** The user. By default the caller, unless a customer wrote it. */
  authorId?: string | undefined;
  /** The customer who wrote it, unless that is the requester. */
  customerId?: string | undefined;
  /** That of the ticket by default. */
  subject?: string | undefined;
  text: string;
  html?: string | undefined;
  messageId?: string | undefined;
  /** Fields of the ticket that change with the entry, such as its status. */
  with?: Partial<Ticket>;
}

/** Creates a ticket without entries, as `POST /v1/tickets` does. */
export async function openTicket(write: StatementTransaction, opened: OpenedTicket): Promise<Ticket> {
  const { followUpOfId, ...content } = opened;
  const ticket = await createRecord(write, tickets, { ticket: { ...tickets.empty(), ...content } } as object);
  return followUpOfId === undefined ? ticket : changeTicket(write, ticket.id, { followUpOfId });
}

/** A new entry, and its ticket with it. */
export interface EntryResult {
  entry: TicketEntry;
  ticket: Ticket;
}

/**
 * Adds an entry to a live ticket. A message of the customer reopens a ticket that is PENDING or SOLVED; that a CLOSED one is followed
 * by another ticket is up to the caller.
 *
 * @param ticket only its id is used: the ticket is read and locked again
 */
export async function addEntry(
  write: StatementTransaction,
  { id }: Pick<Ticket, 'id'>,
  added: AddedEntry,
  etag?: string,
): Promise<EntryResult> {
  const { record, ...known } = await readForChange(write, tickets, id);
  const before = await liveRecord(write, tickets, id, record);
  const entry = entryOf(before, added);
  await currentSeal()?.prepare([ticketEntries.subjectOf(entry)]);
  const changes = { ...followingFields(before, entry), ...added.with };
  const mask = Object.keys(changes);
  const wanted = { changes: { ...before, ...changes }, mask, etag, beside: entry };
  const ticket = await changeRecord(write, tickets, before, known, wanted);
  const notices = await messageNotices(write, ticket, entry);
  write.later(
    insertRecords(ticketEntries, [entry], new CustomFields([])),
    ...effectsOf(ticketEntries, [new LinkedRecords().change(ticketEntries, undefined, entry)]),
    ...notices,
  );
  return { entry, ticket };
}

/** Changes fields of a live ticket, also those that only the service sets. */
export async function changeTicket(
  write: StatementTransaction,
  id: string,
  changes: Partial<Ticket>,
  etag?: string,
): Promise<Ticket> {
  const { record, ...known } = await readForChange(write, tickets, id);
  const before = await liveRecord(write, tickets, id, record);
  const mask = Object.keys(changes);
  return changeRecord(write, tickets, before, known, { changes: { ...before, ...changes }, mask, etag });
}

function entryOf(ticket: Ticket, added: AddedEntry): TicketEntry {
  const { principalId } = currentCaller();
  const createTime = new Date().toISOString();
  const { kind, by, customerId = ticket.customerId, subject = ticket.subject, text, html, messageId } = added;
  const isOfCustomer = kind === TicketEntryKind.CUSTOMER_MESSAGE;
  const isInternal = kind === TicketEntryKind.INTERNAL_NOTE || kind === TicketEntryKind.SYSTEM;
  return {
    ...{ id: uuidv7(), ticketId: ticket.id, kind, by, customerId, subject, text, html, messageId },
    authorId: isOfCustomer ? undefined : (added.authorId ?? ownerIdOf(principalId)),
    visibility: isInternal ? TicketEntryVisibility.INTERNAL : TicketEntryVisibility.PUBLIC,
    ...{ redactions: [], originTicketId: undefined, etag: formatEtag(1), deleteTime: undefined },
    ...{ createTime, updateTime: createTime, createdBy: principalId, updatedBy: principalId },
  };
}

/** The fields of a ticket that follow from an entry. */
function followingFields(ticket: Ticket, { kind, by, createTime }: TicketEntry): Partial<Ticket> {
  switch (kind) {
    case TicketEntryKind.CUSTOMER_MESSAGE:
      return { lastCustomerMessageTime: createTime, ...(reopened.has(ticket.category) && { status: 'open' }) };
    case TicketEntryKind.PUBLIC_REPLY: {
      const isFirst = by === TicketEntryAuthor.HUMAN && ticket.firstResponseTime === undefined;
      return { lastReplyTime: createTime, ...(isFirst && { firstResponseTime: createTime }) };
    }
    default:
      return {};
  }
}

/** The categories that a message of the customer ends. */
const reopened: ReadonlySet<TicketCategory> = new Set([TicketCategory.PENDING, TicketCategory.SOLVED]);
