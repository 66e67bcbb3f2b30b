import { ScalarType } from '@bufbuild/protobuf';
import type { RecordField } from '../records/record-contract.js';

/** Kinds of values with an order. */
export type FieldKind = 'TEXT' | 'TIME' | 'DATE' | 'NUMBER' | 'MONEY';

/** @throws Error for a field without an order, such as a list */
export function kindOf(field: RecordField): FieldKind {
  const { desc, column } = field;
  if (desc.fieldKind === 'message') {
    if (desc.message.typeName === 'google.protobuf.Timestamp') return 'TIME';
    if (isMoney(field)) return 'MONEY';
  }
  if (desc.fieldKind === 'scalar' && desc.scalar !== ScalarType.BOOL) {
    if (desc.scalar !== ScalarType.STRING) return 'NUMBER';
    return field.isDate ? 'DATE' : 'TEXT';
  }
  throw new Error(`${desc.parent.typeName}: there is no order of ${column}.`);
}

/** Whether values are amounts of money. */
export function isMoney({ desc, parts }: RecordField): boolean {
  const isAmount = parts.length === 2 && parts.every(({ column }) => ['currency_code', 'amount'].includes(column));
  return desc.fieldKind === 'message' && isAmount;
}
