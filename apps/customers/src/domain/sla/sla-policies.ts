import {
  SlaClock,
  SlaPolicyState,
  type SlaPolicy,
  type SlaTarget,
} from '@rapport/contracts/rapport/support/v1/sla_policy';
import { SlaPoliciesServiceService } from '@rapport/contracts/rapport/support/v1/sla_policies_service';
import { isRefusal, timerStatement, type TransactionStatement } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { filterViolations } from '../../engine/fields/filter-violations.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { tickets } from '../tickets/tickets.js';
import { policyContent, policyKey } from './policy-content.js';
import { keepDefinition } from './sla-definitions.js';

/** What a workspace promises for tickets. A version is in force once it is activated. */
export const slaPolicies = defineRecord<SlaPolicy>('rapport/SlaPolicy', SlaPoliciesServiceService, {
  indexVersion: 1,
  guard: ({ after: { filter, targets } }) => [
    ...targetViolations(targets),
    ...(filter === undefined ? [] : filterViolations(tickets, filter, 'slaPolicy')),
  ],
  stamp: ({ after: { state } }) => ({ state: state || SlaPolicyState.DRAFT }),
  restored: (policies) => policies.flatMap(inForceAgain),
});

export const SlaPoliciesController = recordController(slaPolicies, SlaPoliciesServiceService);

/** Kind of the timers that follow an activation: open tickets get the policies in force. */
export const policyActivatedKind = 'sla.activated';

/** Gives open tickets the policies in force, in the background. */
export function recountOpenTickets(policyId: string, version: number): TransactionStatement {
  const target = { tenantId: currentCaller().tenantId, recordType: 'slaPolicy', recordId: policyId };
  return timerStatement({ ...target, kind: policyActivatedKind, purpose: String(version), dueTime: new Date() });
}

/** Archives of earlier releases have no versions of policies: what is active is in force as it was stored. */
function inForceAgain(policy: SlaPolicy): TransactionStatement[] {
  const { id, state, activeVersion: version } = policy;
  if (state !== SlaPolicyState.ACTIVE || version === undefined) return [];
  return [keepDefinition(policyKey(id, version), policyContent(policy))];
}

function targetViolations(targets: readonly SlaTarget[]): FieldViolation[] {
  const keys = targets.map(({ metric, priority }) => `${metric} ${priority ?? 0}`);
  return targets.flatMap(({ clock, calendarId }, index): FieldViolation[] => [
    ...(keys.indexOf(keys[index]!) === index
      ? []
      : [
          {
            field: `targets[${index}]`,
            reason: 'DUPLICATE' as const,
            description: 'must have another metric or priority',
          },
        ]),
    ...(clock === SlaClock.WALL && calendarId !== undefined
      ? [
          {
            field: `targets[${index}].calendarId`,
            reason: 'NOT_ALLOWED' as const,
            description: 'needs the clock BUSINESS',
          },
        ]
      : []),
  ]);
}

/** Refuses a write that needs calendars which are not live. */
export function refuseMissingCalendars(ids: readonly string[], field: string): TransactionStatement {
  const reason = 'CALENDAR_NOT_FOUND';
  const refusal = { field, reason, description: 'must have ids of live calendars' } as const;
  return {
    name: 'refuse_missing_calendars',
    sql: `select refuse_unless(not exists (select from unnest($2::uuid[]) wanted (id) where not exists (
        select from calendar where tenant_id = $1 and calendar.id = wanted.id and delete_time is null)), '${reason}')`,
    values: [currentCaller().tenantId, [...ids]],
    explain: (error) => (isRefusal(error, reason) ? invalidArgument([refusal]) : error),
  };
}
