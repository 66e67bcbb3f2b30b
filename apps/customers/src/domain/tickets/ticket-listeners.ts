import type { EntityManager } from '@mikro-orm/postgresql';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import type { RecordChange, Settled } from '../../engine/fields/record-definition.js';

/** A ticket before and after a change, in the transaction of the change. */
export interface TicketChange {
  /** Absent for a new ticket. */
  before: Ticket | undefined;
  after: Ticket;
  /** The entry that the change belongs to. */
  entry: TicketEntry | undefined;
  /** When it happens, in ISO 8601. */
  time: string;
}

/** What follows from changes of tickets elsewhere, such as their timers. */
export type TicketListener = (
  source: EntityManager | StatementTransaction,
  change: TicketChange,
) => Promise<Settled<Ticket>>;

const listeners: TicketListener[] = [];

/**
 * Adds a listener to the changes of tickets, by whatever method. The folders of queues and timers are above that of tickets and
 * import it, so they add theirs when they are loaded.
 *
 * @param isFirst for one that sets fields that others go by, such as the queue
 */
export function onTicketChange(listener: TicketListener, isFirst = false): void {
  if (isFirst) listeners.unshift(listener);
  else listeners.push(listener);
}

/** What all listeners make of a change. Each sees the fields that the ones before it have set. */
export async function settleTicket(
  source: EntityManager | StatementTransaction,
  { before, after, beside }: RecordChange<Ticket>,
): Promise<Settled<Ticket>> {
  const entry = beside as TicketEntry | undefined;
  const time = after.updateTime ?? new Date().toISOString();
  const statements: TransactionStatement[] = [];
  let fields: Partial<Ticket> = {};
  for (const listener of listeners) {
    const settled = await listener(source, { before, after: { ...after, ...fields }, entry, time });
    fields = { ...fields, ...settled.fields };
    statements.push(...settled.statements);
  }
  return { fields, statements };
}
