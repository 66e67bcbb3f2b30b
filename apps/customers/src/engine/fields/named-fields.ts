import type { RecordField } from '@rapport/contracts';
import { recordContract } from '../values/contract.js';

/** A field of a record, or a part of the items of one of its lists. */
export interface NamedField {
  /** In filters, in snake_case. The part by which items are known has the name of their list. */
  name: string;
  field: RecordField;
  /** The list whose items have it. */
  list: RecordField | undefined;
}

/** The fields of customers that are found, ordered or grouped by, in the order of the contract. */
export const namedFields: readonly NamedField[] = recordContract('rapport/Customer').fields.flatMap((field) => [
  { name: field.column, field, list: undefined },
  ...field.parts.map((part) => ({ name: part.isRequired ? field.column : part.column, field: part, list: field })),
]);
