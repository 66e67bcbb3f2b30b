import type { RecordField } from '@rapport/contracts';
import { fold, relatedText } from '@rapport/contracts/filters';
import type { FieldIndex } from '@rapport/contracts/rapport/api/v1/options';
import type { RecordRef } from '@rapport/contracts/rapport/api/v1/records';
import { onceAmongTypes, recordTypes, type RecordType } from '../../fields/record-type.js';
import { followsRelated, relatedField } from '../../fields/related-records.js';

/** A field whose value is the id of another record, or a list of references. */
export interface ReferringField {
  /** The type that has the field. */
  type: RecordType;
  /** JSON name. */
  name: string;
  column: string;
  /** The effect on a record when its target is deleted, merged or erased. */
  index: FieldIndex;
  isRequired: boolean;
  /** Whether it is a list of references to records of several types. */
  isList: boolean;
  /** Whether it follows from such a list, so that it changes only with the list. */
  isFollowing: boolean;
}

/**
 * The fields that refer to records of a type, by types in a common order: the one in which a transaction locks rows of
 * several types.
 */
export const referringFields = onceAmongTypes((target: RecordType): readonly ReferringField[] =>
  [...recordTypes()]
    .sort((one, other) => (one.contract.type < other.contract.type ? -1 : 1))
    .flatMap((type) =>
      type.contract.fields
        .filter((field) => field.reference === target.contract.type || field.relatedTypes?.includes(target.singular))
        .map((field) => referringField(type, field)),
    ),
);

function referringField(type: RecordType, field: RecordField): ReferringField {
  const { name, column, index, isRequired, relatedTypes } = field;
  const isFollowing = followsRelated(type, field);
  return { type, name, column, index, isRequired, isList: relatedTypes !== undefined, isFollowing };
}

/** The ids of records of a type to which a field of a record refers. */
export function referredIds({ name, isList }: ReferringField, target: RecordType, record: object): string[] {
  const value = (record as Record<string, unknown>)[name];
  if (!isList) return typeof value === 'string' ? [value] : [];
  return (value as RecordRef[]).flatMap(({ type, id }) => (type === target.singular ? [id] : []));
}

/**
 * SQL that is true for rows, live or deleted, in which a field refers to any of some records.
 *
 * @param ids SQL of an array of UUIDs, such as `$2::uuid[]`
 */
export function refersTo({ type, column, isList }: ReferringField, target: RecordType, ids: string): string {
  return isList ? refersByList(type, target, ids) : `${column} = any (${ids})`;
}

/**
 * SQL that is true for rows that refer in their list to any of some records, live or deleted. Each half has an index.
 *
 * @param ids SQL of an array of UUIDs, such as `$2::uuid[]`
 */
export function refersByList(type: RecordType, target: RecordType, ids: string): string {
  const { table } = type;
  const { index } = relatedField(type) ?? {};
  const prefix = `${index?.term}:${fold(relatedText(target.singular, ''))}`;
  const terms = `${table}.terms && array(select '${prefix}' || related.id from unnest(${ids}) as related (id))`;
  return `(${table}.delete_time is null and ${terms} or ${table}.delete_time is not null and ${terms})`;
}
