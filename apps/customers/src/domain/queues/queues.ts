import { QueueOrder, type Queue } from '@rapport/contracts/rapport/support/v1/queue';
import { QueuesServiceService } from '@rapport/contracts/rapport/support/v1/queues_service';
import type { AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { isRefusal, type Statement, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { term } from '../../engine/fields/terms.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Queues: tickets that wait for one group of agents. */
export const queues = defineRecord<Queue>('rapport/Queue', QueuesServiceService, {
  indexVersion: 1,
  needs: ['assignmentRuleId'],
  facts: knownMailboxes,
  guard: (change) => [...ruleViolations(change), ...mailboxViolations(change)],
  stamp: ({ after: { leaseOrder, leaseSeconds } }) => ({
    leaseOrder: leaseOrder === QueueOrder.UNSPECIFIED ? QueueOrder.OLDEST : leaseOrder,
    leaseSeconds: leaseSeconds ?? defaultLeaseSeconds,
  }),
  also: refuseTakenMailboxes,
});

export const QueuesController = recordController(queues, QueuesServiceService);

const defaultLeaseSeconds = 600;

function ruleViolations({ before, after, needs }: RecordChange<Queue>): FieldViolation[] {
  const rule = needs['assignmentRuleId'] as AssignmentRule | undefined;
  if (!rule || rule.recordType === 'ticket' || before?.assignmentRuleId === after.assignmentRuleId) return [];
  const description = 'must be a rule for tickets';
  return [{ field: 'assignmentRuleId', reason: 'RECORD_TYPE_DIFFERS', description }];
}

/** The ids of the mailboxes of the tenant, as facts of its queues. */
function knownMailboxes(): Statement {
  return {
    name: 'known_mailboxes',
    sql: 'select mailbox_id::text as fact from mail_address where tenant_id = $1 limit 1000',
    values: [currentCaller().tenantId],
  };
}

/** A queue keeps mailboxes that have been removed since. */
function mailboxViolations({ before, after, facts }: RecordChange<Queue>): FieldViolation[] {
  const known = new Set([...(facts as readonly string[]), ...(before?.mailboxIds ?? [])]);
  return after.mailboxIds.flatMap((id, index) =>
    known.has(id.toLowerCase())
      ? []
      : [{ field: `mailboxIds[${index}]`, reason: 'MAILBOX_UNKNOWN', description: 'must be the id of a mailbox' }],
  );
}

/** Refuses changes by which two live queues would have one mailbox. Those of earlier releases may. */
function refuseTakenMailboxes(changes: readonly RecordChange<Queue>[]): TransactionStatement[] {
  const named = changes.flatMap(({ before, after }) => {
    if (after.deleteTime !== undefined) return [];
    const known = new Set(before?.deleteTime === undefined ? before?.mailboxIds : []);
    const added = after.mailboxIds.filter((id) => !known.has(id));
    return added.map((id) => ({ id: after.id, term: term(queues, 'mailbox_ids', id) }));
  });
  if (named.length === 0) return [];
  const reason = 'MAILBOX_TAKEN';
  const { tenantId } = currentCaller();
  return [
    // Two writes at once could each see only their own queue.
    {
      name: 'lock_mailboxes_of_queues',
      sql: `select pg_advisory_xact_lock(hashtextextended('queue mailboxes ' || $1, 0))`,
      values: [tenantId],
    },
    {
      name: 'refuse_taken_mailboxes',
      sql: `select refuse_unless(not exists (
        select from jsonb_to_recordset($2) as named (id uuid, term text)
        join queue on queue.tenant_id = $1 and queue.terms @> array[named.term] and queue.id <> named.id
          and queue.delete_time is null), '${reason}')`,
      values: [tenantId, JSON.stringify(named)],
      explain: (error) => (isRefusal(error, reason) ? mailboxTaken(reason) : error),
    },
  ];
}

function mailboxTaken(reason: 'MAILBOX_TAKEN'): AppError {
  const description = 'must have no mailbox of another queue';
  return new AppError('ALREADY_EXISTS', reason, 'Another queue has a mailbox of the queue.', {
    violations: [{ field: 'queue.mailboxIds', reason, description }],
  });
}
