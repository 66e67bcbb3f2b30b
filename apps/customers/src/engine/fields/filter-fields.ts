import { filterFieldsOf, type FilterField } from '@rapport/contracts/filters';
import { onceFor } from '../values/once-for.js';
import type { RecordType } from './record-type.js';

/** The fields of a type that a filter may compare, by their paths, without those of the tenant's own and of other records. */
export const filterFields = onceFor(({ contract }: RecordType): ReadonlyMap<string, FilterField> =>
  filterFieldsOf(contract),
);

/** The name of a field's values among the unique keys, such as `EMAIL` of `emails`. */
export function keyName(name: string): string {
  return name.replace(/s$/, '').toUpperCase();
}
