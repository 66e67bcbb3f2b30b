import { TicketCategory, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { queryRows, type Statement, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { term } from '../../engine/fields/terms.js';
import { onTicketChange } from '../tickets/ticket-listeners.js';
import { queues } from './queues.js';

/** Whether a ticket waits in its queue: no agent has it, and there is work to do. */
function isWaiting({ ownerId, category, mergedIntoId, deleteTime }: Ticket): boolean {
  return (
    ownerId === undefined &&
    (category === TicketCategory.NEW || category === TicketCategory.OPEN) &&
    mergedIntoId === undefined &&
    !deleteTime
  );
}

/** A new ticket enters the queue of its mailbox. */
onTicketChange(async (source, { before, after }) => {
  const { mailboxId, queueId } = after;
  if (before || mailboxId === undefined || queueId !== undefined) return { fields: {}, statements: [] };
  const [queue] = await queryRows<{ id: string }>(source, queueOfMailbox(mailboxId));
  return { fields: queue ? { queueId: queue.id } : {}, statements: [] };
}, true);

/** The lease of a ticket that no longer waits, or waits elsewhere, ends. */
onTicketChange(async (_source, { before, after }) => {
  const remains = before?.queueId === after.queueId && isWaiting(after);
  const ends = before !== undefined && isWaiting(before) && !remains;
  return { fields: {}, statements: ends ? [endLease(after.id)] : [] };
});

/** Queues of earlier releases may share a mailbox: the oldest counts. */
function queueOfMailbox(mailboxId: string): Statement {
  return {
    name: 'queue_of_mailbox',
    sql: `select id from queue where tenant_id = $1 and terms @> array[$2] and delete_time is null
      order by create_time, id limit 1`,
    values: [currentCaller().tenantId, term(queues, 'mailbox_ids', mailboxId)],
  };
}

function endLease(ticketId: string): TransactionStatement {
  return {
    name: 'end_ticket_lease',
    sql: 'delete from ticket_lease where tenant_id = $1 and ticket_id = $2',
    values: [currentCaller().tenantId, ticketId],
  };
}
