import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { lockRecords } from '../../engine/records/record-statements.js';
import { tickets } from '../tickets/tickets.js';

/** Tickets, live or deleted, with their rows locked in the order of their ids. */
export async function lockTickets(
  transaction: StatementTransaction,
  ids: readonly string[],
): Promise<Map<string, Ticket>> {
  const rows = await transaction.rows<StoredRecord<Ticket>>(lockRecords(tickets, ids));
  return new Map((await openStored(tickets, rows)).map((ticket) => [ticket.id, ticket]));
}
