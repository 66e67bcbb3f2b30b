import type { NamedField } from '@rapport/contracts';
import { invalidArgument } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { snakeCase } from '../../values/snake-case.js';

/** A field by which records are grouped. */
export interface GroupColumn {
  /** What it joins to a record: its values, where it can have several. */
  join: string;
  /** One value as text, null when there is none. */
  value: string;
  /** Whether a record can have several values. */
  isList: boolean;
}

const groupsOf = onceFor(
  ({ namedFields }: RecordType): ReadonlyMap<string, NamedField> =>
    new Map(namedFields.filter(({ field }) => field.index.group).map((named) => [named.name, named])),
);

/**
 * @param customFields may be absent when no custom field is named
 * @throws AppError INVALID_ARGUMENT GROUP_INVALID that names each field by which records can't be grouped
 */
export function readGroups(
  type: RecordType,
  groupBy: readonly string[],
  customFields: CustomFields | undefined,
): GroupColumn[] {
  const columns = groupBy.map((name, index) => groupColumn(type, name, `value_${index}`, customFields));
  const violations = columns.flatMap((group, index) => {
    const description =
      `must be ${[...groupsOf(type).keys()].join(', ')}, or ` +
      'custom_fields.<key> of type BOOLEAN, SELECT or MULTI_SELECT';
    return group ? [] : [{ field: `groupBy[${index}]`, reason: 'GROUP_INVALID', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  return columns.filter((group) => group !== undefined);
}

function groupColumn(
  type: RecordType,
  name: string,
  alias: string,
  customFields: CustomFields | undefined,
): GroupColumn | undefined {
  const { table } = type;
  const [first = '', key, ...deeper] = name.split('.');
  const field = snakeCase(first);
  if (field === 'custom_fields' && key !== undefined && deeper.length === 0) {
    switch (customFields?.get(key)?.type) {
      case 'BOOLEAN':
      case 'SELECT':
        return single(`(${table}.custom_fields->>'${key}')`);
      case 'MULTI_SELECT':
        return listed(`jsonb_array_elements_text(${table}.custom_fields->'${key}')`, alias);
      default:
        return undefined;
    }
  }
  const named = key === undefined ? groupsOf(type).get(field) : undefined;
  return named && builtInGroup(table, named, alias);
}

function builtInGroup(table: string, { field, list }: NamedField, alias: string): GroupColumn {
  const { column, name, desc, isId } = field;
  if (list) {
    const values = `select distinct item->>'${name}' from jsonb_array_elements(${table}.${list.column}) item`;
    return listed(`(${values} where item->>'${name}' is not null)`, alias);
  }
  if (desc.fieldKind === 'list') return listed(`unnest(${table}.${column})`, alias);
  return single(`${table}.${column}${isId ? '::text' : ''}`);
}

function single(value: string): GroupColumn {
  return { join: '', value, isList: false };
}

function listed(values: string, alias: string): GroupColumn {
  return { join: `left join lateral ${values} as ${alias}(item) on true`, value: `${alias}.item`, isList: true };
}
