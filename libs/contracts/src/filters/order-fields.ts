import { FieldOrder } from '../gen/rapport/api/v1/options.js';
import type { RecordContract, RecordField } from '../records/record-contract.js';
import { kindOf, type FieldKind } from './field-kind.js';

/** A field by which lists of records can be ordered. */
export interface OrderField {
  field: RecordField;
  /** `ENUM` is in the order of declaration. It has no index, but the terms of records find each value. */
  kind: FieldKind | 'ENUM';
  /** Whether lists of live records can be ordered by it. */
  ofLive: boolean;
  /** Whether lists of deleted records can be ordered by it. */
  ofDeleted: boolean;
}

/** The fields by which lists of a type can be ordered, without custom fields. */
export function orderFieldsOf({ fields }: RecordContract): OrderField[] {
  return fields.flatMap((field): OrderField[] => {
    const { index, desc } = field;
    if (desc.fieldKind === 'enum' && index.term !== '')
      return [{ field, kind: 'ENUM', ofLive: true, ofDeleted: false }];
    if (index.order === FieldOrder.UNSPECIFIED) return [];
    const ofLive = index.order !== FieldOrder.DELETED;
    const ofDeleted = index.order !== FieldOrder.LIVE;
    return [{ field, kind: kindOf(field), ofLive, ofDeleted }];
  });
}
