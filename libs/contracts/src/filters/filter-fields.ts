import { ScalarType } from '@bufbuild/protobuf';
import { FieldOrder } from '../gen/rapport/api/v1/options.js';
import { namedFields, type NamedField, type RecordContract } from '../records/record-contract.js';
import { enumNames } from '../rest/enum-names.js';
import { kindOf } from './field-kind.js';

/**
 * A field that filters compare. `name` is in snake_case, as columns are; `path` is the name in filters, in lowerCamelCase.
 */
export type FilterField = NamedField & { path: string } & FieldComparison;

/** Whether only deleted records have a value of the field. */
export function isOfDeleted({ field }: FilterField): boolean {
  return field.index.order === FieldOrder.DELETED;
}

type FieldComparison =
  /** Text, compared without case and accents, with any entry of a list; phone numbers by their digits. */
  | { type: 'term' }
  /** One of `names`, which are in order if `ordered`. */
  | { type: 'enum'; names: readonly string[]; ordered: boolean }
  | { type: 'id' }
  /** Id of a user or a team, which has a term. */
  | { type: 'owner'; isUser: boolean }
  | { type: 'time' }
  /** Days, numbers, of some whole ones, and money. */
  | { type: 'value'; of: 'DATE' | 'NUMBER' | 'MONEY'; isWhole: boolean }
  /** Text with an order. */
  | { type: 'name' }
  /** Ids of the records of a type, in the singular, that a list refers to. */
  | { type: 'related'; of: string }
  /** A value that no two live records have: with `hasSystem` in the form `system/value`. */
  | { type: 'key'; hasSystem: boolean };

/** The fields of a type that a filter may compare, by their paths, without custom fields and fields of other records. */
export function filterFieldsOf(contract: RecordContract): ReadonlyMap<string, FilterField> {
  const fields = namedFields(contract).flatMap((named): [string, FilterField][] => {
    const { relatedTypes } = named.field;
    if (relatedTypes) return relatedTypes.map((of) => relatedField(named, of));
    const comparison = comparisonOf(named);
    const path = pathOf(named);
    return comparison ? [[path, { ...named, path, ...comparison }]] : [];
  });
  return new Map(fields);
}

/** A list of references has a path for each type of records that it can refer to, such as `related.deal`. */
function relatedField(named: NamedField, of: string): [string, FilterField] {
  const path = `${named.field.name}.${of}`;
  return [path, { ...named, path, type: 'related', of }];
}

function pathOf({ field, list }: NamedField): string {
  return list && field.isRequired ? list.name : field.name;
}

/** Undefined for a field that no filter compares. */
function comparisonOf({ field, list }: NamedField): FieldComparison | undefined {
  const { column, desc, index, isId } = field;
  if (index.unique) return { type: 'key', hasSystem: list?.parts.some(({ name }) => name === 'system') ?? false };
  // A day has an order besides a term, by which equal ones are found where the day is encrypted.
  const isDay = field.isDate && index.order !== FieldOrder.UNSPECIFIED;
  if (index.term !== '' && !isDay) return termComparison({ field, list });
  if (!list && isId && (field.reference !== undefined || column === 'id')) return { type: 'id' };
  if (index.order === FieldOrder.UNSPECIFIED) return undefined;
  const kind = kindOf(field);
  if (kind === 'TEXT') return { type: 'name' };
  if (kind === 'TIME') return { type: 'time' };
  return { type: 'value', of: kind, isWhole: kind === 'NUMBER' && !fractions.has(desc.scalar) };
}

const fractions = new Set<ScalarType | undefined>([ScalarType.DOUBLE, ScalarType.FLOAT]);

function termComparison({ field, list }: Omit<NamedField, 'name'>): FieldComparison {
  const { desc, index, isId, isUser } = field;
  if (list || desc.fieldKind === 'list') return { type: 'term' };
  if (desc.enum) return { type: 'enum', names: enumNames(desc.enum), ordered: index.ordered };
  return isId ? { type: 'owner', isUser } : { type: 'term' };
}
