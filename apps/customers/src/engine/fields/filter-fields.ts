import { enumNames, type RecordField } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { namedFields, type NamedField } from './named-fields.js';

type UniqueKey = 'EMAIL' | 'DOMAIN' | 'EXTERNAL_ID';

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
  /** `column` shows it, `sorted` has it folded. */
  | { type: 'name'; column: string; sorted: string }
  | { type: 'key'; key: UniqueKey; column: string };

/** The columns that have names folded, by which they are compared and ordered. */
const sortColumns: Readonly<Record<string, string>> = {
  display_name: 'sort_name',
  family_name: 'family_sort_name',
  company_name: 'company_sort_name',
};

const fields: Readonly<Record<string, FilterField>> = Object.fromEntries(
  namedFields.flatMap((named) => {
    const field = filterFieldOf(named);
    return field ? [[named.name, field]] : [];
  }),
);

/** Undefined for a field that no filter compares. */
function filterFieldOf({ name, field, list }: NamedField): FilterField | undefined {
  const { column, desc, index, isId } = field;
  const sorted = sortColumns[column];
  if (index.unique) return { type: 'key', key: name.replace(/s$/, '').toUpperCase() as UniqueKey, column: name };
  if (index.term !== '') return termField({ name, field, list });
  if (isId && (field.reference !== undefined || column === 'id')) return { type: 'id', column };
  if (index.order === FieldOrder.UNSPECIFIED) return undefined;
  if (desc.message) return { type: 'time', column };
  return sorted === undefined ? undefined : { type: 'name', column, sorted };
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

/** Names of the fields that a filter may compare, without those of the tenant's own and of other customers. */
export const filterFieldNames: readonly string[] = Object.keys(fields);

/** @param name in snake_case */
export function filterField(name: string): FilterField | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
