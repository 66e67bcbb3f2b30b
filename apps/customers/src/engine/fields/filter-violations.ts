import { compileRestriction, parseFilter, restrictionsOf } from '@rapport/contracts/filters';
import { AppError, type FieldViolation } from '@rapport/platform';
import { filterTableOf } from './filter-fields.js';
import { refuseHidden } from './hidden-data.js';
import type { RecordType } from './record-type.js';

/**
 * What is wrong with the `filter` of a rule for records of a type. Custom fields are left to the time at which a record is looked at:
 * they may change until then.
 *
 * @param rule name of the rule in requests
 * @throws AppError for fields that are hidden from the caller
 */
export function filterViolations(type: RecordType, filter: string, rule: string): FieldViolation[] {
  try {
    const tree = parseFilter(filter);
    const restrictions = tree ? restrictionsOf(tree) : [];
    const fields = restrictions.map(({ field }) => field);
    refuseHidden(type, fields, `${rule}.filter`);
    for (const restriction of restrictions) {
      if (!restriction.field.startsWith('customFields.')) compileRestriction(filter, filterTableOf(type), restriction);
    }
    return [];
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_ARGUMENT') throw error;
    return error.violations.map((violation) => ({ ...violation, field: 'filter' }));
  }
}
