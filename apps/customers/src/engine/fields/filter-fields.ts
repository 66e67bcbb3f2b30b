import { filterFieldsOf, type FilterField, type FilterTable } from '@rapport/contracts/filters';
import { onceFor } from '../values/once-for.js';
import type { CustomFields } from './custom-fields.js';
import type { RecordType } from './record-type.js';

/** The filterable fields of a type by path, without custom fields and fields of other records. */
export const filterFields = onceFor(({ contract }: RecordType): ReadonlyMap<string, FilterField> =>
  filterFieldsOf(contract),
);

/** @param customFields the tenant's definitions; absent when the filter names none */
export function filterTableOf(type: RecordType, customFields?: CustomFields): FilterTable {
  return {
    singular: type.singular,
    fields: filterFields(type),
    hasCustomFields: type.contract.options.customFields,
    customField: (key) => customFields?.get(key),
  };
}

/** The key type of a field's unique values, such as `EMAIL` for `emails`. */
export function keyName(name: string): string {
  return name.replace(/s$/, '').toUpperCase();
}
