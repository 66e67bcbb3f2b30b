import type { RecordContract } from '../records/record-contract.js';
import type { CustomFieldDefinition } from '../values/custom-field-value.js';
import { filterError } from './filter-error.js';
import { filterFieldsOf, type FilterField } from './filter-fields.js';
import type { ComparedField } from './filter-test.js';
import type { Restriction } from './parse-filter.js';

/** The fields of one type of records that filters compare. */
export interface FilterTable {
  /** Such as `customer`. */
  singular: string;
  /** By their paths in lowerCamelCase. */
  fields: ReadonlyMap<string, FilterField>;
  hasCustomFields: boolean;
  /** The custom fields of the type. */
  customField: (key: string) => CustomFieldDefinition | undefined;
}

/** @param customFields the definitions of the records' tenant */
export function filterTable(
  contract: RecordContract,
  customFields: readonly CustomFieldDefinition[] = [],
): FilterTable {
  const byKey = new Map(customFields.map((definition) => [definition.key, definition]));
  return {
    singular: contract.singular,
    fields: filterFieldsOf(contract),
    hasCustomFields: contract.options.customFields,
    customField: (key) => byKey.get(key),
  };
}

/**
 * The field of a record that a restriction names.
 *
 * @param path of the field within the record: that of the restriction without the part that leads to another record
 * @throws AppError INVALID_ARGUMENT FILTER_FIELD_UNKNOWN with the position, and the existing fields
 */
export function comparedField(
  table: FilterTable,
  path: string,
  filter: string,
  restriction: Restriction,
): ComparedField {
  const [first = '', key, ...deeper] = path.split('.');
  if (first === 'customFields' && key !== undefined && deeper.length === 0 && table.hasCustomFields) {
    const definition = table.customField(key);
    if (!definition) throw unknownField(filter, restriction, `is no field; ${key} is not defined`);
    return { type: 'custom', definition };
  }
  const field = table.fields.get(path);
  if (field) return field;
  const isOther = path !== restriction.field;
  const kind = isOther ? `those of another ${table.singular}` : 'fields';
  throw unknownField(
    filter,
    restriction,
    `is no field; ${kind} are ${namesOf(table)}${customHint(table, filter, restriction)}`,
  );
}

/** FILTER_FIELD_UNKNOWN for a path to another record where filters are limited to the record itself. */
export function otherRecordError(table: FilterTable, filter: string, restriction: Restriction) {
  const problem = `is about another record, which can not be asked here; fields of a ${table.singular} itself are ${namesOf(table)}`;
  return unknownField(filter, restriction, problem);
}

/** Definitions are read for filters that name custom fields only, so it can be one. With its key as typed: names are converted. */
function customHint({ hasCustomFields }: FilterTable, filter: string, { fieldIndex }: Restriction): string {
  const [typed = ''] = /^[\w.]*/.exec(filter.slice(fieldIndex)) ?? [];
  const canBeCustom = hasCustomFields && /^[a-z][a-z0-9_]*$/.test(typed);
  return canBeCustom ? `; a custom field ${typed} is customFields.${typed}` : '';
}

function namesOf({ fields, hasCustomFields }: FilterTable): string {
  return [...fields.keys(), ...(hasCustomFields ? ['customFields.<key>'] : [])].join(', ');
}

/** FILTER_FIELD_UNKNOWN with the position of a field. */
export function unknownField(filter: string, { field, fieldIndex }: Restriction, problem: string) {
  return filterError('FILTER_FIELD_UNKNOWN', filter, fieldIndex, `${field} ${problem}`);
}
