import { QueueOrder, type Queue } from '@rapport/contracts/rapport/support/v1/queue';
import { QueuesServiceService } from '@rapport/contracts/rapport/support/v1/queues_service';
import type { AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import type { FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Queues: tickets that wait for one group of agents. */
export const queues = defineRecord<Queue>('rapport/Queue', QueuesServiceService, {
  indexVersion: 1,
  needs: ['assignmentRuleId'],
  guard: ruleViolations,
  stamp: ({ after: { leaseOrder, leaseSeconds } }) => ({
    leaseOrder: leaseOrder === QueueOrder.UNSPECIFIED ? QueueOrder.OLDEST : leaseOrder,
    leaseSeconds: leaseSeconds ?? defaultLeaseSeconds,
  }),
});

export const QueuesController = recordController(queues, QueuesServiceService);

const defaultLeaseSeconds = 600;

function ruleViolations({ before, after, needs }: RecordChange<Queue>): FieldViolation[] {
  const rule = needs['assignmentRuleId'] as AssignmentRule | undefined;
  if (!rule || rule.recordType === 'ticket' || before?.assignmentRuleId === after.assignmentRuleId) return [];
  const description = 'must be a rule for tickets';
  return [{ field: 'assignmentRuleId', reason: 'RECORD_TYPE_DIFFERS', description }];
}
