import {
  TicketCategory,
  TicketChannel,
  TicketPriority,
  TicketType,
  type Ticket,
} from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketsServiceService } from '@rapport/contracts/rapport/support/v1/tickets_service';
import type { Statement } from '@rapport/persistence';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { settleTicket } from './ticket-listeners.js';
import { statusNotices } from './ticket-notices.js';
import { categoryOf, statusFacts, statusKeys } from './ticket-statuses.js';

const normalise = normaliserOf<Ticket>(recordContract('rapport/Ticket'));

/** Tickets: requests of customers, and the work on them. */
export const tickets = defineRecord<Ticket>('rapport/Ticket', TicketsServiceService, {
  indexVersion: 1,
  alwaysSet: ['status', 'category', 'priority', 'type', 'channel'],
  numberIn: 'number',
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    return { record: { ...record, ...withDefaults(record) }, violations };
  },
  facts: statusFacts,
  guard: ticketViolations,
  stamp: statusFields,
  settle: settleTicket,
  notices: statusNotices,
  searchTexts: ({ number, subject, companyName }) => [
    subject,
    ...(companyName === undefined ? [] : [companyName]),
    ...(number === undefined ? [] : [`#${number}`]),
  ],
  openTexts: ({ number, companyName }) => [
    ...(companyName === undefined ? [] : [companyName]),
    ...(number === undefined ? [] : [`#${number}`]),
  ],
  updateError: mergedError,
  firstRules: rulesOfQueues,
  detail: ({ number }) => (number === undefined ? undefined : `#${number}`),
  statusColumn: 'category',
  openStatuses: ['NEW', 'OPEN', 'PENDING', 'ON_HOLD'],
});

export const TicketsController = recordController(tickets, TicketsServiceService);

/** The assignment rules of the queues of tickets. */
function rulesOfQueues(of: readonly Ticket[]): Statement {
  const queued = of.flatMap(({ id, queueId }) => (queueId === undefined ? [] : { id, queue_id: queueId }));
  return {
    name: 'assignment_rules_of_queues',
    sql: `select queued.id as record_id, queue.assignment_rule_id as rule_id
      from jsonb_to_recordset($2) as queued (id uuid, queue_id uuid)
      join queue on queue.tenant_id = $1 and queue.id = queued.queue_id and queue.delete_time is null
      where queue.assignment_rule_id is not null`,
    values: [currentCaller().tenantId, JSON.stringify(queued)],
  };
}

/** Whether work on a ticket of the category has ended, at least for now. */
export function isSolved(category: TicketCategory): boolean {
  return category === TicketCategory.SOLVED || category === TicketCategory.CLOSED;
}

/** @throws AppError TICKET_MERGED for a ticket that was merged into another one */
export function refuseMerged(ticket: Ticket): void {
  const error = mergedError(ticket);
  if (error) throw error;
}

/** Only the undo of its merge changes a merged ticket. */
function mergedError({ mergedIntoId }: Ticket): AppError | undefined {
  if (mergedIntoId === undefined) return undefined;
  const message = 'The ticket was merged into another one.';
  return new AppError('FAILED_PRECONDITION', 'TICKET_MERGED', message, { metadata: { mergedInto: mergedIntoId } });
}

function withDefaults({ status, priority, type, channel }: Ticket): Partial<Ticket> {
  return {
    status: status || 'new',
    priority: priority || TicketPriority.NORMAL,
    type: type || TicketType.QUESTION,
    channel: channel || TicketChannel.API,
  };
}

/** A ticket keeps a status that the tenant has deleted since. */
function ticketViolations({ before, after, facts }: RecordChange<Ticket>): FieldViolation[] {
  const { id, status, problemId } = after;
  const isKnown = status === before?.status || categoryOf(status, facts) !== undefined;
  return [
    ...(isKnown ? [] : [violation('status', 'STATUS_UNKNOWN', `must be one of ${statusKeys(facts).join(', ')}`)]),
    ...(problemId === undefined || problemId !== id
      ? []
      : [violation('problemId', 'SAME_RECORD', 'must be another ticket')]),
  ];
}

/** The fields that follow the status. */
function statusFields({ before, after, facts }: RecordChange<Ticket>, now: string | undefined): Partial<Ticket> {
  if (before && before.status === after.status) return {};
  const isUnmerged = before?.mergedIntoId !== undefined && after.mergedIntoId === undefined;
  const category = categoryOf(after.status, facts) ?? TicketCategory.OPEN;
  // The undo of a merge brings back all that follows from the status.
  if (isUnmerged) return { category };
  const wasSolved = before !== undefined && isSolved(before.category);
  const solvedTime = wasSolved ? before.solvedTime : now;
  return {
    category,
    statusTime: now,
    solvedTime: isSolved(category) ? solvedTime : undefined,
    reopenCount: wasSolved && !isSolved(category) ? before.reopenCount + 1 : after.reopenCount,
    ...(before && !isSolved(category) && { isSpam: undefined }),
  };
}

function violation(field: string, reason: FieldViolation['reason'], description: string): FieldViolation {
  return { field, reason, description };
}
