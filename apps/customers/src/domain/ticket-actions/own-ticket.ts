import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { AssignTicketRequest } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidField, ownerIdOf } from '@rapport/platform';
import { checkOwners } from '../../engine/records/scope/named-owners.js';
import type { RecordRequest } from '../../engine/write/write-record.js';
import { changeLocked, lockUnmerged } from './locked-ticket.js';

/** Handles TakeTicket. The row is locked: of several callers, the first one gets the ticket. */
export async function takeTicket(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Ticket> {
  const userId = ownerIdOf(currentCaller().principalId);
  if (userId === undefined)
    throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'A ticket is taken by a user or an API key.');
  const ticket = await lockUnmerged(transaction, id);
  const { ownerId } = ticket.before;
  if (ownerId !== undefined && ownerId !== userId)
    throw new AppError('FAILED_PRECONDITION', 'TICKET_TAKEN', 'Another user owns the ticket.', {
      metadata: { ownerId },
    });
  return changeLocked(transaction, ticket, { ownerId: userId }, etag);
}

/** Handles AssignTicket. */
export async function assignTicket(
  transaction: StatementTransaction,
  { id, etag, assignment }: AssignTicketRequest,
): Promise<Ticket> {
  if (!assignment) throw invalidField('assignment', 'REQUIRED', 'is required');
  const { userId } = assignment;
  await checkOwners([{ field: 'assignment.userId', kind: 'PRINCIPAL', id: userId }]);
  const ticket = await lockUnmerged(transaction, id);
  return changeLocked(transaction, ticket, { ownerId: userId }, etag);
}

/** Handles ReleaseTicket. */
export async function releaseTicket(transaction: StatementTransaction, { id, etag }: RecordRequest): Promise<Ticket> {
  const ticket = await lockUnmerged(transaction, id);
  const { before } = ticket;
  if (before.ownerId !== undefined) return changeLocked(transaction, ticket, { ownerId: undefined }, etag);
  checkEtag(etag, etagVersion(before.etag));
  return before;
}
