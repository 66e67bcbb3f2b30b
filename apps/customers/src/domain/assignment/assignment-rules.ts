import { AssignmentRuleState, type AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { AssignmentRulesServiceService } from '@rapport/contracts/rapport/work/v1/assignment_rules_service';
import { isRefusal, type TransactionStatement } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { forgetRuledTypes } from '../../engine/assignment/ruled-types.js';
import { filterViolations } from '../../engine/fields/filter-violations.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord, recordTypes, type RecordType } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Rules that choose the owners of new records. */
export const assignmentRules = defineRecord<AssignmentRule>('rapport/AssignmentRule', AssignmentRulesServiceService, {
  indexVersion: 1,
  guard: ({ after }) => [...memberViolations(after), ...typeViolations(after)],
  stamp: ({ after: { state } }) => ({
    state: state === AssignmentRuleState.UNSPECIFIED ? AssignmentRuleState.ACTIVE : state,
  }),
  also(changes) {
    forgetRuledTypes(currentCaller().tenantId);
    return refuseUnknownCalendars(changes);
  },
});

export const AssignmentRulesController = recordController(assignmentRules, AssignmentRulesServiceService);

/** The type of the records that rules can be about; undefined for a name of no such type. */
export function ruledType({ recordType }: Pick<AssignmentRule, 'recordType'>): RecordType | undefined {
  return [...recordTypes()].find(
    ({ singular, contract }) => singular === recordType && contract.options.owned && contract.parent === undefined,
  );
}

function memberViolations({ members }: AssignmentRule): FieldViolation[] {
  const ids = members.map(({ userId }) => userId);
  return ids.flatMap((id, index) =>
    ids.indexOf(id) === index
      ? []
      : [{ field: `members[${index}].userId`, reason: 'DUPLICATE', description: 'must be unique' }],
  );
}

function typeViolations(rule: AssignmentRule): FieldViolation[] {
  const type = ruledType(rule);
  if (!type)
    return [
      { field: 'recordType', reason: 'RECORD_TYPE_UNKNOWN', description: 'must be a type of records with owners' },
    ];
  return rule.filter === undefined ? [] : filterViolations(type, rule.filter, 'assignmentRule');
}

/** Members refer to calendars that exist when they get them. */
function refuseUnknownCalendars(changes: readonly RecordChange<AssignmentRule>[]): TransactionStatement[] {
  const ids = changes.flatMap(({ before, after }) => {
    const known = new Set(before?.members.map(({ calendarId }) => calendarId));
    return after.members.flatMap(({ calendarId }) =>
      calendarId === undefined || known.has(calendarId) ? [] : calendarId,
    );
  });
  if (ids.length === 0) return [];
  const reason = 'CALENDAR_NOT_FOUND';
  const refusal = { field: 'assignmentRule.members', reason, description: 'must have ids of live calendars' } as const;
  return [
    {
      name: 'refuse_unknown_calendars',
      sql: `select refuse_unless(not exists (select from unnest($2::uuid[]) wanted (id) where not exists (
        select from calendar where tenant_id = $1 and calendar.id = wanted.id and delete_time is null)), '${reason}')`,
      values: [currentCaller().tenantId, ids],
      explain: (error) => (isRefusal(error, reason) ? invalidArgument([refusal]) : error),
    },
  ];
}
