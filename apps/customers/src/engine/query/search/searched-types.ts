import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import type { RecordField } from '@rapport/contracts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { allows, invalidArgument, permissionMissing, type FieldViolation } from '@rapport/platform';
import { permissionOf } from '../../fields/record-names.js';
import { checkParent, typeOfParent } from '../../records/parents.js';
import { recordTypes, type RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';

/** A searched type. */
export interface SearchedType {
  type: RecordType;
  /** Keys of the searched parents, for a type whose records have parents. */
  parents?: readonly string[] | undefined;
}

/**
 * The searched types: the named ones, or all that the caller can read.
 *
 * @param names like `RecordType.name`
 * @throws AppError INVALID_ARGUMENT RECORD_TYPE_UNKNOWN for a name of no searchable type, NOT_FOUND for an object that is not
 *   live
 * @throws AppError PERMISSION_DENIED for a named type that the caller can't read
 */
export async function searchedTypes(
  em: EntityManager,
  names: readonly string[],
  permissions: readonly string[],
): Promise<SearchedType[]> {
  // Sorted, to be independent of the order in which modules are loaded.
  const known = [...recordTypes()]
    .filter(({ derived }) => derived.searchText)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const named = names.map((name) => known.find((type) => type.name === name) ?? typeOfParent(name, known));
  const violations: FieldViolation[] = named.flatMap((type, index) => {
    if (type) return [];
    const description = `must be one of ${known.map(({ name }) => name).join(', ')}`;
    return [{ field: `types[${index}]`, reason: 'RECORD_TYPE_UNKNOWN', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  const wanted = named.flatMap((type) => type ?? []);
  const mayRead = (type: RecordType) => allows(permissions, permissionOf(type, 'read'));
  const unreadable = wanted.find((type) => !mayRead(type));
  if (unreadable) throw permissionMissing(permissionOf(unreadable, 'read'));
  const searched: SearchedType[] = [];
  for (const type of known) {
    const asked = wanted.filter((each) => (each.base ?? each) === type);
    if (names.length > 0 && asked.length === 0) continue;
    const parents = await searchedParents(em, type, asked);
    if (parents ? parents.length > 0 : mayRead(type)) searched.push({ type, parents });
  }
  return searched;

  /** The named live parents, or those whose records the caller can read. */
  async function searchedParents(
    reader: EntityManager,
    type: RecordType,
    asked: readonly RecordType[],
  ): Promise<string[] | undefined> {
    const rule = type.definition.parent;
    if (!rule) return undefined;
    for (const each of asked) await checkParent(reader, each);
    const rows = await queryRows<{ key: string }>(reader, rule.list());
    const keys = new Set(asked.map(({ parentKey }) => parentKey));
    const isAsked = (key: string) => keys.size === 0 || keys.has(undefined) || keys.has(key);
    return rows.map(({ key }) => key).filter((key) => isAsked(key) && mayRead(type.of(key)));
  }
}

/**
 * The field that names a record: the first single text that is searchable and sortable.
 *
 * @throws Error for a searchable type without one
 */
export const titleField = onceFor((type: RecordType): RecordField => {
  const title = type.contract.fields.find(
    ({ desc, index }) => desc.fieldKind === 'scalar' && index.search && index.order !== FieldOrder.UNSPECIFIED,
  );
  if (!title)
    throw new Error(`${type.plural} have no title: searchable types need a text that is searchable and sortable.`);
  return title;
});
