import { ScalarType } from '@bufbuild/protobuf';
import { camelCase, snakeCase, type NamedField } from '@rapport/contracts';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { dateParts, groupDatesOf, groupFieldsOf } from '@rapport/contracts/filters';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { datePart, isDatePart } from './date-parts.js';

/** A field by which records are grouped. */
export interface GroupColumn {
  /** The join of its values, for a field that can have several. */
  join: string;
  /** One value as text, null when there is none. */
  value: string;
  /** Whether a record can have several values. */
  isList: boolean;
}

const groupsOf = onceFor(({ contract }: RecordType) => groupFieldsOf(contract));

const datesOf = onceFor(({ contract }: RecordType) => groupDatesOf(contract));

/** Context of the names of groups. */
export interface GroupNames {
  /** May be absent when no custom field is named. */
  customFields: CustomFields | undefined;
  /** Returned by `readTimeZone`. */
  timeZone: string;
}

/** The description of a wrong field, which says how to name several if that is the mistake: other parameters take commas. */
export function ofOneField(given: string | undefined, description: string): string {
  return given?.includes(',') ? 'must name one field; repeat it for each field' : description;
}

/** @throws AppError INVALID_ARGUMENT GROUP_INVALID that names each field that can't be grouped by */
export function readGroups(type: RecordType, groupBy: readonly string[], names: GroupNames): GroupColumn[] {
  const columns = groupBy.map((name, index) => groupColumn(type, name, `value_${index}`, names));
  const violations: FieldViolation[] = columns.flatMap((group, index) => {
    const fields = [...groupsOf(type).keys()].map(camelCase);
    const dates = [...datesOf(type).keys()].map((name) => `${camelCase(name)}.<part>`);
    const description =
      `must be ${[...fields, ...dates].join(', ')}, customFields.<key> of type BOOLEAN, SELECT or MULTI_SELECT, or ` +
      `customFields.<key>.<part> of type DATE or TIME; parts are ${dateParts.join(', ')}`;
    if (group) return [];
    return [
      { field: `groupBy[${index}]`, reason: 'GROUP_INVALID', description: ofOneField(groupBy[index], description) },
    ];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  return columns.filter((group) => group !== undefined);
}

function groupColumn(type: RecordType, name: string, alias: string, names: GroupNames): GroupColumn | undefined {
  const [first = '', ...rest] = name.split('.');
  const field = snakeCase(first);
  if (field === 'custom_fields') return customGroup(type, rest, alias, names);
  const [part, ...deeper] = rest;
  if (part === undefined) {
    const named = groupsOf(type).get(field);
    return named && builtInGroup(type.table, named, alias);
  }
  const kind = datesOf(type).get(field);
  if (!kind || !isDatePart(part) || deeper.length > 0) return undefined;
  return single(datePart(`${type.table}.${field}`, kind, part, names.timeZone));
}

function customGroup(
  { table }: RecordType,
  [key = '', part, ...deeper]: readonly string[],
  alias: string,
  { customFields, timeZone }: GroupNames,
): GroupColumn | undefined {
  const definition = customFields?.get(key);
  if (!definition || deeper.length > 0) return undefined;
  const text = `(${table}.custom_fields->>'${key}')`;
  switch (definition.type) {
    case 'DATE':
    case 'TIME':
      return part !== undefined && isDatePart(part)
        ? single(datePart(text, definition.type, part, timeZone))
        : undefined;
    case 'BOOLEAN':
    case 'SELECT':
      return part === undefined ? single(text) : undefined;
    case 'MULTI_SELECT':
      return part === undefined
        ? listed(`jsonb_array_elements_text(${table}.custom_fields->'${key}')`, alias)
        : undefined;
    default:
      return undefined;
  }
}

function builtInGroup(table: string, { field, list }: NamedField, alias: string): GroupColumn {
  const { column, name, desc, isId } = field;
  if (list) {
    const values = `select distinct item->>'${name}' from jsonb_array_elements(${table}.${list.column}) item`;
    return listed(`(${values} where item->>'${name}' is not null)`, alias);
  }
  if (desc.fieldKind === 'list') return listed(`unnest(${table}.${column})`, alias);
  const isOtherScalar = desc.fieldKind === 'scalar' && desc.scalar !== ScalarType.STRING;
  return single(`${table}.${column}${isId || isOtherScalar ? '::text' : ''}`);
}

function single(value: string): GroupColumn {
  return { join: '', value, isList: false };
}

function listed(values: string, alias: string): GroupColumn {
  return { join: `left join lateral ${values} as ${alias}(item) on true`, value: `${alias}.item`, isList: true };
}
