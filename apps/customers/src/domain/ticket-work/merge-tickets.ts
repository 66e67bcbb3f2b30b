import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryAuthor, TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type {
  MergeTicketRequest,
  TicketMergeResult,
  UndoTicketMergeRequest,
} from '@rapport/contracts/rapport/support/v1/ticket_work_service';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { refuseMerged, tickets } from '../tickets/tickets.js';
import { addEntry, changeTicket } from '../tickets/ticket-writes.js';
import { moveEntries, moveEntriesBack, type MovedEntry } from './move-entries.js';
import { lockTickets } from './open-tickets.js';

/** Handles MergeTicket. */
export async function mergeTicket(
  transaction: StatementTransaction,
  { id, merge, etag }: MergeTicketRequest,
): Promise<TicketMergeResult> {
  const intoId = merge?.intoId;
  if (intoId === undefined) throw invalidField('merge', 'REQUIRED', 'is required');
  if (intoId === id) throw invalidField('merge.intoId', 'SAME_RECORD', 'must be another ticket');
  const found = await lockTickets(transaction, [id, intoId]);
  const before = await liveRecord(transaction, tickets, id, found.get(id));
  refuseMerged(before);
  const survivor = found.get(intoId);
  if (!survivor || survivor.deleteTime) {
    throw invalidField('merge.intoId', 'TICKET_NOT_FOUND', 'must be the id of a live ticket');
  }
  if (survivor.mergedIntoId !== undefined) {
    throw invalidField('merge.intoId', 'ALREADY_MERGED', `was merged into ${survivor.mergedIntoId}`);
  }
  const added = {
    tags: missingOf(before.tags, survivor.tags),
    followerIds: missingOf(before.followerIds, survivor.followerIds),
  };
  // First: the etag is checked before anything is moved.
  const merged = await changeTicket(transaction, id, { status: 'closed', mergedIntoId: intoId }, etag);
  const entries = await moveEntries(transaction, { from: id, to: intoId });
  transaction.later(keepMerge(before, intoId, { entries, ...added }));
  const { ticket } = await addEntry(transaction, survivor, {
    ...machineEntry(`Ticket #${before.number} was merged into this ticket.`),
    with: { tags: [...survivor.tags, ...added.tags], followerIds: [...survivor.followerIds, ...added.followerIds] },
  });
  return { merged, survivor: ticket, movedEntryCount: entries.length };
}

/** Handles UndoTicketMerge. */
export async function undoTicketMerge(
  transaction: StatementTransaction,
  { id, etag }: UndoTicketMergeRequest,
): Promise<TicketMergeResult> {
  const kept = await mergeOf(transaction, id);
  const found = await lockTickets(transaction, kept ? [id, kept.survivor_id] : [id]);
  const merged = await liveRecord(transaction, tickets, id, found.get(id));
  if (!kept || merged.mergedIntoId !== kept.survivor_id) throw notMerged();
  const given = found.get(kept.survivor_id);
  refuseDeleted(given);
  const survivor = await liveRecord(transaction, tickets, kept.survivor_id, given);
  refuseMerged(survivor);
  const restored = await changeTicket(transaction, id, { mergedIntoId: undefined, ...fieldsOf(kept.before) }, etag);
  const back = await transaction.rows(moveEntriesBack({ from: kept.survivor_id, to: id }, kept.entries));
  transaction.later(forgetMerge(id));
  const { ticket } = await addEntry(transaction, survivor, {
    ...machineEntry(`The merge of ticket #${merged.number} into this ticket was undone.`),
    with: {
      tags: missingOf(survivor.tags, kept.added_tags),
      followerIds: missingOf(survivor.followerIds, kept.added_follower_ids),
    },
  });
  return { merged: restored, survivor: ticket, movedEntryCount: back.length };
}

/** Not as a ticket that does not exist: the caller has named the merged one. */
function refuseDeleted(survivor: Ticket | undefined): void {
  if (survivor?.deleteTime === undefined) return;
  const message = 'The surviving ticket is deleted. Undelete it first.';
  throw new AppError('FAILED_PRECONDITION', 'TICKET_DELETED', message, { metadata: { ticketId: survivor.id } });
}

/** What a merge changes of the merged ticket, besides the reference to the survivor. */
const restoredFields = ['status', 'statusTime', 'solvedTime', 'reopenCount', 'isSpam'] as const;

type RestoredFields = Pick<Ticket, (typeof restoredFields)[number]>;

interface KeptMerge {
  survivor_id: string;
  before: RestoredFields;
  entries: MovedEntry[];
  added_tags: string[];
  added_follower_ids: string[];
}

/** With `undefined` for fields without a value, so that the change clears them. */
function fieldsOf(ticket: RestoredFields): RestoredFields {
  return Object.fromEntries(restoredFields.map((name) => [name, ticket[name]])) as unknown as RestoredFields;
}

function missingOf(wanted: readonly string[], existing: readonly string[]): string[] {
  return wanted.filter((each) => !existing.includes(each));
}

function machineEntry(text: string) {
  return { kind: TicketEntryKind.SYSTEM, by: TicketEntryAuthor.MACHINE, text };
}

function keepMerge(
  merged: Ticket,
  survivorId: string,
  { entries, tags, followerIds }: { entries: readonly MovedEntry[]; tags: string[]; followerIds: string[] },
): TransactionStatement {
  const before = JSON.stringify(fieldsOf(merged));
  return {
    name: 'keep_ticket_merge',
    sql: `insert into ticket_merge (tenant_id, merged_id, survivor_id, before, entries, added_tags, added_follower_ids)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [currentCaller().tenantId, merged.id, survivorId, before, JSON.stringify(entries), tags, followerIds],
  };
}

async function mergeOf(transaction: StatementTransaction, mergedId: string): Promise<KeptMerge | undefined> {
  const [kept] = await transaction.rows<KeptMerge>({
    name: 'ticket_merge_of',
    sql: `select survivor_id, before, entries, added_tags, added_follower_ids from ticket_merge
      where tenant_id = $1 and merged_id = $2`,
    values: [currentCaller().tenantId, mergedId],
  });
  return kept;
}

function forgetMerge(mergedId: string): TransactionStatement {
  return {
    name: 'forget_ticket_merge',
    sql: 'delete from ticket_merge where tenant_id = $1 and merged_id = $2',
    values: [currentCaller().tenantId, mergedId],
  };
}

function notMerged(): AppError {
  return new AppError('FAILED_PRECONDITION', 'TICKET_NOT_MERGED', 'The ticket was not merged.');
}
