import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange, type Known } from '../../engine/write/write-record.js';
import { refuseMerged, tickets } from '../tickets/tickets.js';

/** A ticket whose row is locked, and what its change needs. */
export interface LockedTicket {
  before: Ticket;
  known: Known;
}

/** Locks a live ticket that was not merged. @throws AppError NOT_FOUND, FAILED_PRECONDITION TICKET_MERGED */
export async function lockUnmerged(transaction: StatementTransaction, id: string): Promise<LockedTicket> {
  const { record, ...known } = await readForChange(transaction, tickets, id);
  const before = await liveRecord(transaction, tickets, id, record);
  refuseMerged(before);
  return { before, known };
}

/** Changes fields of a locked ticket. */
export function changeLocked(
  transaction: StatementTransaction,
  { before, known }: LockedTicket,
  changes: Partial<Ticket>,
  etag?: string,
): Promise<Ticket> {
  const mask = Object.keys(changes);
  return changeRecord(transaction, tickets, before, known, { changes: { ...before, ...changes }, mask, etag });
}
