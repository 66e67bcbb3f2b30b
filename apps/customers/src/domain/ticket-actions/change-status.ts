import { TicketCategory, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { SetTicketStatusRequest } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { invalidField } from '@rapport/platform';
import { within } from '../../engine/values/within.js';
import type { RecordRequest } from '../../engine/write/write-record.js';
import { isSolved } from '../tickets/tickets.js';
import { changeLocked, lockUnmerged, type LockedTicket } from './locked-ticket.js';

/** Handles SetTicketStatus. */
export async function setTicketStatus(
  transaction: StatementTransaction,
  { id, etag, change }: SetTicketStatusRequest,
): Promise<Ticket> {
  if (!change) throw invalidField('change', 'REQUIRED', 'is required');
  const ticket = await lockUnmerged(transaction, id);
  return within({ 'ticket.status': 'change.status' }, () =>
    changeLocked(transaction, ticket, { status: change.status }, etag),
  );
}

/** Handles SolveTicket. */
export async function solveTicket(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Ticket> {
  const ticket = await lockUnmerged(transaction, id);
  if (isSolved(ticket.before.category)) return unchanged(ticket, etag);
  return changeLocked(transaction, ticket, { status: 'solved' }, etag);
}

/** Handles ReopenTicket. */
export async function reopenTicket(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Ticket> {
  const ticket = await lockUnmerged(transaction, id);
  if (!isSolved(ticket.before.category)) return unchanged(ticket, etag);
  return changeLocked(transaction, ticket, { status: 'open' }, etag);
}

/** Handles MarkTicketSpam. */
export async function markTicketSpam(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Ticket> {
  const ticket = await lockUnmerged(transaction, id);
  const { status, category } = ticket.before;
  const closed = category === TicketCategory.CLOSED ? status : 'closed';
  return changeLocked(transaction, ticket, { status: closed, isSpam: true }, etag);
}

function unchanged({ before }: LockedTicket, etag: string | undefined): Ticket {
  checkEtag(etag, etagVersion(before.etag));
  return before;
}
