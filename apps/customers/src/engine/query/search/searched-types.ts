import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import type { RecordField } from '@rapport/contracts';
import { invalidArgument, permissionMissing } from '@rapport/platform';
import { recordTypes, type RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';

/**
 * The types that a search looks in: those that are named, or all that the caller may read.
 *
 * @param names singulars
 * @throws AppError INVALID_ARGUMENT UNKNOWN_TYPE for a name of no type with a text to search
 * @throws AppError PERMISSION_DENIED when a type is named that the caller may not read
 */
export function searchedTypes(names: readonly string[], permissions: readonly string[]): RecordType[] {
  // In an order that does not depend on which module is loaded first.
  const known = [...recordTypes()]
    .filter(({ derived }) => derived.searchText)
    .sort((a, b) => (a.singular < b.singular ? -1 : 1));
  const singulars = known.map(({ singular }) => singular);
  const violations = names.flatMap((name, index) => {
    if (singulars.includes(name)) return [];
    const description = `must be one of ${singulars.join(', ')}`;
    return [{ field: `types[${index}]`, reason: 'UNKNOWN_TYPE', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  const wanted = names.length === 0 ? known : known.filter(({ singular }) => names.includes(singular));
  const unreadable = wanted.find((type) => !permissions.includes(readPermission(type)));
  if (names.length > 0 && unreadable) throw permissionMissing(readPermission(unreadable));
  return wanted.filter((type) => permissions.includes(readPermission(type)));
}

function readPermission({ contract }: RecordType): string {
  return `${contract.permission}.read`;
}

/**
 * The field that names a record: the first single text that is searched and ordered by.
 *
 * @throws Error for a type that is searched and has none
 */
export const titleField = onceFor((type: RecordType): RecordField => {
  const title = type.contract.fields.find(
    ({ desc, index }) => desc.fieldKind === 'scalar' && index.search && index.order !== FieldOrder.UNSPECIFIED,
  );
  if (!title)
    throw new Error(`A search shows ${type.plural} by a text that is searched and has an order. There is none.`);
  return title;
});
