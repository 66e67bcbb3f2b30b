import { ScalarType } from '@bufbuild/protobuf';
import { enumNames, type RecordField, type NamedField } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { onceFor } from '../values/once-for.js';
import { kindOf } from './field-kind.js';
import type { RecordType } from './record-type.js';

/** How a field of a filter is compared. */
export type FilterField =
  /** `column` is not null when there is a value. */
  | { type: 'term'; field: string; column: string }
  /** Holds one of `names`, in their order when `ordered`. */
  | { type: 'enum'; field: string; column: string; names: readonly string[]; ordered: boolean }
  /** A text in any of the entries of a list. */
  | { type: 'listed'; field: string; hasValue: string }
  | { type: 'id'; column: string }
  | { type: 'owner'; field: string; column: string }
  | { type: 'time'; column: string }
  /** Days, numbers and money: `sorted` has what they are ordered by, a number, of some a whole one, or a text. */
  | { type: 'value'; column: string; sorted: string; of: 'DATE' | 'NUMBER' | 'MONEY'; isWhole: boolean }
  /** `column` shows it, `sorted` has it folded. */
  | { type: 'name'; column: string; sorted: string }
  /** A value that no two live records have. */
  | KeyField;

export interface KeyField {
  type: 'key';
  /** The name of the values among the keys. */
  key: string;
  /** Whether values have the form `system/value`. */
  hasSystem: boolean;
  isPersonal: boolean;
  /** What is true of a row with a value, the values of a row as `item`, and one as it is compared; `%` is the table. */
  hasValue: string;
  items: string;
  item: string;
}

/** The fields of a type that a filter may compare, without those of the tenant's own and of other records. */
export const filterFields = onceFor(
  (type: RecordType): ReadonlyMap<string, FilterField> =>
    new Map(
      type.namedFields.flatMap((named): [string, FilterField][] => {
        const field = filterFieldOf(type, named);
        return field ? [[named.name, field]] : [];
      }),
    ),
);

/** The name of a field's values among the unique keys, such as `EMAIL` of `emails`. */
export function keyName(name: string): string {
  return name.replace(/s$/, '').toUpperCase();
}

/** Undefined for a field that no filter compares. */
function filterFieldOf(type: RecordType, { name, field, list }: NamedField): FilterField | undefined {
  const { column, index, isId } = field;
  if (index.unique) return keyField({ name, field, list });
  if (index.term !== '') return termField({ name, field, list });
  if (isId && (field.reference !== undefined || column === 'id')) return { type: 'id', column };
  if (index.order === FieldOrder.UNSPECIFIED) return undefined;
  const sorted = type.sortColumn(field);
  const kind = kindOf(field);
  if (kind === 'TEXT') return { type: 'name', column, sorted };
  if (kind === 'TIME') return { type: 'time', column };
  const isWhole = kind === 'NUMBER' && !fractions.has(field.desc.scalar);
  return { type: 'value', column, sorted, of: kind, isWhole };
}

const fractions = new Set<ScalarType | undefined>([ScalarType.DOUBLE, ScalarType.FLOAT]);

function keyField({ name, field, list }: NamedField): KeyField {
  const key = { type: 'key', key: keyName(name), isPersonal: field.isPersonal } as const;
  if (!list) {
    const { column } = field;
    return {
      ...key,
      hasSystem: false,
      hasValue: `%.${column} <> '{}'`,
      items: `unnest(%.${column}) item`,
      item: 'item',
    };
  }
  const hasSystem = list.parts.some((part) => part.name === 'system');
  const value = `item->>'${field.name}'`;
  return {
    ...key,
    hasSystem,
    hasValue: `%.${list.column} <> '[]'`,
    items: `jsonb_array_elements(%.${list.column}) item`,
    item: hasSystem ? `concat(item->>'system', '/', ${value})` : `lower(${value})`,
  };
}

function termField({ name, field, list }: NamedField): FilterField {
  const { column, desc, index, isId } = field;
  if (list) return { type: 'listed', field: name, hasValue: itemsWith(list, field) };
  if (desc.fieldKind === 'list') return { type: 'listed', field: name, hasValue: `%.${column} <> '{}'` };
  if (desc.enum) return { type: 'enum', field: name, column, names: enumNames(desc.enum), ordered: index.ordered };
  return { type: isId ? 'owner' : 'term', field: name, column };
}

function itemsWith(list: RecordField, part: RecordField): string {
  if (part.isRequired) return `%.${list.column} <> '[]'`;
  return `exists (select from jsonb_array_elements(%.${list.column}) item where item->>'${part.name}' <> '')`;
}
