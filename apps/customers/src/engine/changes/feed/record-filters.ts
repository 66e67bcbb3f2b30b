import type { EntityManager } from '@mikro-orm/postgresql';
import { compilePredicate, parseFilter, restrictionsOf } from '@rapport/contracts/filters';
import type {
  CheckRecordFiltersRequest,
  RecordFilter,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { AppError, invalidArgument, type FieldViolation } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import { filterTableOf } from '../../fields/filter-fields.js';
import { hiddenError, isPersonalPath } from '../../fields/hidden-data.js';
import type { RecordType } from '../../fields/record-type.js';
import type { LoggedTypes } from '../log/logged-types.js';

/**
 * Handles CheckRecordFilters.
 *
 * @param em with the session of the tenant
 */
export async function checkRecordFilters(
  types: LoggedTypes,
  em: EntityManager,
  { tenantId, filters, hidesPersonalData }: CheckRecordFiltersRequest,
): Promise<void> {
  const violations: FieldViolation[] = [];
  for (const [index, { type, filter }] of filters.entries()) {
    const record = filteredType(types, type);
    if (!record) {
      const description = `must be one of ${filteredTypes(types).join(', ')}`;
      violations.push({ field: `filters[${index}].type`, reason: 'TYPE_NOT_FILTERED', description });
      continue;
    }
    const field = `filters[${index}].filter`;
    const faults = await faultsOf(em, tenantId, record, filter);
    violations.push(...faults.map((fault) => ({ ...fault, field })));
    if (faults.length === 0 && hidesPersonalData) refuseHiddenIn(record, filter, field);
  }
  if (violations.length > 0) throw invalidArgument(violations);
}

/** The type by its name in the change log; undefined for a type without filters. */
export function filteredType(types: LoggedTypes, name: string): RecordType | undefined {
  return types.names.includes(name) ? types.get(name).record : undefined;
}

function filteredTypes(types: LoggedTypes): string[] {
  return types.names.filter((name) => filteredType(types, name));
}

async function faultsOf(
  em: EntityManager,
  tenantId: string,
  type: RecordType,
  filter: RecordFilter['filter'],
): Promise<FieldViolation[]> {
  try {
    compilePredicate(filter, filterTableOf(type, await CustomFields.load(em, type, tenantId)));
    return [];
  } catch (error) {
    if (error instanceof AppError && error.violations.length > 0) return error.violations;
    throw error;
  }
}

/** A filter's matches reveal values, so it requires the right to see them. */
function refuseHiddenIn(type: RecordType, filter: string, parameter: string): void {
  const tree = parseFilter(filter);
  const fields = tree ? restrictionsOf(tree).map(({ field }) => field) : [];
  const hidden = fields.find((field) => isPersonalPath(type, field));
  if (hidden !== undefined) throw hiddenError(hidden, parameter);
}
