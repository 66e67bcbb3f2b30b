import type { FieldIndex } from '@rapport/contracts/rapport/api/v1/options';
import { onceAmongTypes, recordTypes, type RecordType } from '../../fields/record-type.js';

/** A field whose value is the id of another record. */
export interface ReferringField {
  /** The type that has the field. */
  type: RecordType;
  /** JSON name. */
  name: string;
  column: string;
  /** The effect on a record when its target is deleted, merged or erased. */
  index: FieldIndex;
  isRequired: boolean;
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
        .filter(({ reference }) => reference === target.contract.type)
        .map(({ name, column, index, isRequired }) => ({ type, name, column, index, isRequired })),
    ),
);
