import { AssignmentRuleState, type AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { AssignmentRulesServiceService } from '@rapport/contracts/rapport/work/v1/assignment_rules_service';
import { currentCaller, type FieldViolation } from '@rapport/platform';
import { forgetRuledTypes } from '../../engine/assignment/ruled-types.js';
import { filterViolations } from '../../engine/fields/filter-violations.js';
import { defineRecord, recordTypes, type RecordType } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Rules that choose the owners of new records. */
export const assignmentRules = defineRecord<AssignmentRule>('rapport/AssignmentRule', AssignmentRulesServiceService, {
  indexVersion: 1,
  guard: ({ after }) => [...memberViolations(after), ...typeViolations(after)],
  stamp: ({ after: { state } }) => ({
    state: state === AssignmentRuleState.UNSPECIFIED ? AssignmentRuleState.ACTIVE : state,
  }),
  also() {
    forgetRuledTypes(currentCaller().tenantId);
    return [];
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
