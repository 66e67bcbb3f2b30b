import { QueueOrder, type Queue } from '@rapport/contracts/rapport/support/v1/queue';
import {
  NoTicketReason,
  type NextTicketRequest,
  type NextTicketResponse,
  type ReturnTicketRequest,
  type ReturnTicketResponse,
} from '@rapport/contracts/rapport/support/v1/queue_leases_service';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, invalidField, ownerIdOf } from '@rapport/platform';
import { term } from '../../engine/fields/terms.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { tickets } from '../tickets/tickets.js';
import { queues } from './queues.js';

/**
 * Handles NextTicket. Agents do not wait for each other: each looks for a ticket that no other one is about to lease, and looks again if
 * another one was faster.
 */
export async function nextTicket(
  transaction: StatementTransaction,
  { id, wish }: NextTicketRequest,
): Promise<NextTicketResponse> {
  const queue = await findQueue(transaction, id);
  refuseOtherTeams(queue);
  const agent = { queue, userId: agentOf() };
  const skipped = wish?.skippedTicketIds ?? [];
  transaction.later(lockAgent(agent), endLeases(agent, skipped));
  const [held] = await transaction.rows<Lease>(renewLease(agent));
  if (held) return leasedTicket(transaction, held);
  const isFull = queue.capacity !== undefined && (await assignedCount(transaction, agent)) >= queue.capacity;
  if (isFull) return noTicket(NoTicketReason.AT_CAPACITY);
  for (;;) {
    const [found] = await transaction.rows<Lease | LostLease>(leaseNext(agent, skipped));
    if (!found) return noTicket(NoTicketReason.NONE_WAITING);
    if (found.ticket_id !== null) return leasedTicket(transaction, found);
  }
}

/** Handles ReturnTicket. */
export async function returnTicket(
  transaction: StatementTransaction,
  { id, return: returned }: ReturnTicketRequest,
): Promise<ReturnTicketResponse> {
  if (!returned) throw invalidField('return', 'REQUIRED', 'is required');
  await findQueue(transaction, id);
  const rows = await transaction.rows({
    name: 'return_leased_ticket',
    sql: `delete from ticket_lease where tenant_id = $1 and queue_id = $2 and user_id = $3 and ticket_id = $4
      returning expire_time`,
    values: [currentCaller().tenantId, id, agentOf(), returned.ticketId],
  });
  return { returned: rows.length > 0 };
}

interface Agent {
  queue: Queue;
  userId: string;
}

interface Lease {
  ticket_id: string;
  /** As PostgreSQL writes it. */
  expire_time: string;
}

/** A ticket that another agent was leased since the statement began. */
interface LostLease {
  ticket_id: null;
}

async function findQueue(transaction: StatementTransaction, id: string): Promise<Queue> {
  const [stored] = await openStored(queues, await transaction.rows<StoredRecord<Queue>>(liveRecords(queues, [id])));
  return liveRecord(transaction, queues, id, stored);
}

function noTicket(reason: NoTicketReason): NextTicketResponse {
  return { ticket: undefined, leaseExpireTime: undefined, reason };
}

async function leasedTicket(transaction: StatementTransaction, lease: Lease): Promise<NextTicketResponse> {
  const rows = await transaction.rows<StoredRecord<Ticket>>(liveRecords(tickets, [lease.ticket_id]));
  const [ticket] = await openStored(tickets, rows);
  const leaseExpireTime = new Date(lease.expire_time).toISOString();
  return { ticket, leaseExpireTime, reason: NoTicketReason.UNSPECIFIED };
}

function refuseOtherTeams({ teamIds }: Queue): void {
  const own = currentCaller().teamIds ?? [];
  if (teamIds.length === 0 || teamIds.some((id) => own.includes(id))) return;
  const message = 'The queue is for members of its teams, and the caller is in none of them.';
  throw new AppError('PERMISSION_DENIED', 'NOT_IN_QUEUE_TEAMS', message);
}

function agentOf(): string {
  const userId = ownerIdOf(currentCaller().principalId);
  if (userId !== undefined) return userId;
  throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'A ticket is leased to a user or an API key.');
}

/** Calls of one agent take turns, so that it holds one lease in a queue. */
function lockAgent({ queue, userId }: Agent): TransactionStatement {
  return {
    name: 'lock_agent_of_queue',
    sql: `select pg_advisory_xact_lock(hashtextextended('ticket_lease ' || $1 || $2, 0))`,
    values: [queue.id, userId],
  };
}

/** Ends the leases of tickets that the agent does not want. */
function endLeases({ queue, userId }: Agent, skipped: readonly string[]): TransactionStatement {
  return {
    name: 'end_ticket_leases',
    sql: `delete from ticket_lease
      where tenant_id = $1 and queue_id = $2 and user_id = $3 and ticket_id = any ($4::uuid[])`,
    values: [currentCaller().tenantId, queue.id, userId, [...skipped]],
  };
}

function renewLease({ queue, userId }: Agent): TransactionStatement {
  return {
    name: 'renew_ticket_lease',
    sql: `update ticket_lease set expire_time = clock_timestamp() + make_interval(secs => $4)
      where tenant_id = $1 and queue_id = $2 and user_id = $3 and expire_time > clock_timestamp() and exists (
        select from ticket where ticket.tenant_id = $1 and ticket.id = ticket_lease.ticket_id)
      returning ticket_id, expire_time`,
    values: [currentCaller().tenantId, queue.id, userId, queue.leaseSeconds],
  };
}

async function assignedCount(transaction: StatementTransaction, { queue, userId }: Agent): Promise<number> {
  const [row] = await transaction.rows<{ assigned: number }>({
    name: 'assigned_tickets_of_agent',
    sql: `select count(*)::int as assigned from ticket
      where tenant_id = $1 and queue_id = $2 and owner_id = $3 and terms @> array[$4] and delete_time is null
        and category in ('NEW', 'OPEN')`,
    values: [currentCaller().tenantId, queue.id, userId, term(tickets, 'owner_id', userId)],
  });
  return row?.assigned ?? 0;
}

/** The columns by which a queue is ordered, before the time of creation. */
const ordering: Readonly<Record<QueueOrder, string>> = {
  [QueueOrder.UNSPECIFIED]: '',
  [QueueOrder.OLDEST]: '',
  [QueueOrder.DUE]: 'next_due_time nulls last, ',
  [QueueOrder.PRIORITY]: "array_position(array['URGENT', 'HIGH', 'NORMAL', 'LOW'], priority), ",
};

/**
 * Leases the first waiting ticket without a lease. A ticket that another transaction has locked is left to it. Its row is without ids if
 * another agent has leased the ticket since the statement began, and there is none if no ticket waits.
 */
function leaseNext({ queue, userId }: Agent, skipped: readonly string[]): TransactionStatement {
  return {
    name: `lease_ticket_by_${QueueOrder[queue.leaseOrder]}`,
    sql: `with next as (
        select id from ticket
        where tenant_id = $1 and queue_id = $2 and ${waiting} and id <> all ($5::uuid[]) and not exists (
          select from ticket_lease lease
          where lease.tenant_id = $1 and lease.ticket_id = ticket.id and lease.expire_time > clock_timestamp())
        order by ${ordering[queue.leaseOrder]}create_time, id limit 1 for update skip locked
      ), leased as (
        insert into ticket_lease (tenant_id, ticket_id, queue_id, user_id, expire_time)
        select $1, id, $2, $3, clock_timestamp() + make_interval(secs => $4) from next
        on conflict (tenant_id, ticket_id) do update
        set queue_id = excluded.queue_id, user_id = excluded.user_id, expire_time = excluded.expire_time
        where ticket_lease.expire_time <= clock_timestamp()
        returning ticket_id, expire_time
      )
      select leased.ticket_id, leased.expire_time from next left join leased on true`,
    values: [currentCaller().tenantId, queue.id, userId, queue.leaseSeconds, [...skipped]],
  };
}

/** The condition of the index `ticket_waiting`. */
export const waiting = `delete_time is null and owner_id is null and category in ('NEW', 'OPEN') and merged_into_id is null`;
