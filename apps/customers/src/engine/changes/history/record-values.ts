import { JsonCodec } from '@rapport/contracts';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { CustomFieldsServiceService } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { associationMessage } from '../../../domain/associations/association-message.js';
import type { Association } from '../../../domain/associations/association.entity.js';
import { consentMessage, type ConsentRow } from '../../../domain/consents/consent-message.js';
import { methodDescriptor, recordContract } from '../../values/contract.js';
import { customFieldMessage } from '../../../domain/custom-fields/custom-field-message.js';
import type { CustomField } from '../../fields/custom-field.entity.js';
import { customerType } from '../../records/customers/customer-type.js';
import { recordOf } from '../../records/record-rows.js';
import { mergeMessage } from '../../merge/merge-message.js';
import type { MergeRecord } from '../../merge/find-merge.js';
import { shownToCaller } from '../../fields/hidden-data.js';
import { suppressionMessage, type SuppressionRow } from '../../../domain/suppressions/suppression-message.js';

/** Values of a row by their columns, as the log keeps them: \`row_to_json\`. */
export type StoredValues = Record<string, unknown>;

type Json = Record<string, unknown>;

/** How the records of a type are shown. */
interface RecordType {
  /** Columns of which changes are told. All others are bookkeeping or no business of a caller. */
  columns: readonly string[];
  /** What stands for columns that are not given. */
  empty: StoredValues;
  /** The record as REST shows it. */
  json: (row: StoredValues) => Json;
}

const codecs = new Map<string, JsonCodec>();
const day = '1970-01-01T00:00:00Z';
/** Fields that change with every change. */
const bookkeeping = new Set(['id', 'etag', 'create_time', 'update_time', 'created_by', 'updated_by']);
const timesOfRecord = { version: 0, create_time: day, update_time: day };

const types: Record<string, RecordType> = {
  customer: {
    columns: recordContract('rapport/Customer')
      .fields.map(({ column }) => column)
      .filter((column) => !bookkeeping.has(column)),
    empty: {
      ...{ ...timesOfRecord, id: '', kind: 'PERSON', display_name: '', emails: [], phones: [], addresses: [] },
      ...{ external_ids: [], domains: [], tags: [], custom_fields: {}, created_by: '', updated_by: '' },
    },
    json: jsonOf(CustomersServiceService.getCustomer.path, customerOfValues),
  },
  association: {
    columns: ['from_customer_id', 'type', 'to_customer_id', 'role', 'labels'],
    empty: { ...timesOfRecord, id: '', from_customer_id: '', type: '', to_customer_id: '', labels: [] },
    json: jsonOf(AssociationsServiceService.getAssociation.path, (row) =>
      associationMessage({
        ...(propertiesOf(row) as unknown as Association),
        from: ['', row['from_customer_id'] as string],
        to: ['', row['to_customer_id'] as string],
      }),
    ),
  },
  custom_field: {
    columns: ['type', 'kind', 'display_name', 'description', 'options', 'searchable', 'delete_time'],
    empty: { ...timesOfRecord, key: '', type: 'TEXT', options: [], searchable: false },
    json: jsonOf(CustomFieldsServiceService.getCustomField.path, (row) =>
      customFieldMessage(propertiesOf(row) as unknown as CustomField),
    ),
  },
  merge: {
    columns: ['customer_id', 'merged_id', 'undo_time', 'undone_by'],
    empty: { id: '', customer_id: '', merged_id: '', create_time: day, created_by: '' },
    json: jsonOf(MergesServiceService.getMerge.path, (row) =>
      mergeMessage({
        ...(propertiesOf(row) as unknown as MergeRecord),
        customer: ['', row['customer_id'] as string],
        merged: ['', row['merged_id'] as string],
      }),
    ),
  },
  consent: {
    columns: ['customer_id', 'purpose', 'channel', 'state', 'legal_basis', 'source', 'time', 'evidence'],
    empty: {
      ...{ id: '', customer_id: '', purpose: '', channel: 'EMAIL', state: 'GIVEN', legal_basis: 'CONSENT', source: '' },
      ...{ time: day, create_time: day, created_by: '' },
    },
    json: jsonOf(ConsentsServiceService.getConsent.path, (row) =>
      consentMessage(propertiesOf(row) as unknown as ConsentRow),
    ),
  },
  suppression: {
    columns: ['channel', 'purpose', 'reason', 'customer_id'],
    empty: { id: '', channel: 'EMAIL', reason: 'MANUAL', create_time: day, created_by: '' },
    json: jsonOf(SuppressionsServiceService.getSuppression.path, (row) =>
      suppressionMessage(propertiesOf(row) as unknown as SuppressionRow),
    ),
  },
};

const fieldNamesOfColumns = new Map<string, string>();

/** The types of records that the log tells of. */
export const recordTypes: ReadonlySet<string> = new Set(Object.keys(types));

/** JSON names of the fields whose changes it tells of. */
export const fieldNames: ReadonlySet<string> = new Set(
  Object.values(types).flatMap(({ columns }) => columns.map(fieldOfColumn)),
);

/** A whole record as REST shows it. */
export function recordJson(type: string, row: StoredValues): Json {
  const { empty, json } = typeOf(type);
  return json({ ...empty, ...row });
}

/** Some fields of a record as REST shows them; null for those without a value. */
export function fieldsJson(type: string, values: StoredValues): Json {
  const { columns, empty, json } = typeOf(type);
  const shown = columns.filter((column) => Object.hasOwn(values, column));
  const whole = json({ ...empty, ...values });
  return Object.fromEntries(
    shown.map((column) => [
      fieldOfColumn(column),
      values[column] === null ? null : (whole[fieldOfColumn(column)] ?? null),
    ]),
  );
}

/** JSON names of those columns that callers know. */
export function changedFields(type: string, columns: readonly string[]): string[] {
  const known = typeOf(type).columns;
  return columns.filter((column) => known.includes(column)).map(fieldOfColumn);
}

/** A customer of values that the log or \`row_to_json\` gives. */
export function customerOfValues(values: StoredValues): CustomerMessage {
  return recordOf(customerType(), propertiesOf(values));
}

function typeOf(type: string): RecordType {
  const found = types[type];
  if (!found) throw new Error(`The change log has no records of type ${type}.`);
  return found;
}

/** @param path of a method that answers the record */
function jsonOf(path: string, message: (row: StoredValues) => object) {
  const { output } = methodDescriptor(path);
  const codec = JsonCodec.of(output, codecs);
  return (row: StoredValues): Json => codec.toJson(shownToCaller(output, message(row)) as Json);
}

/** A row as the entity that it is of. */
function propertiesOf(row: StoredValues): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      fieldOfColumn(column),
      /(^|_)time$/.test(column) && typeof value === 'string' ? new Date(value) : value,
    ]),
  );
}

/** @param column one of the tables, so that there are few of them */
function fieldOfColumn(column: string): string {
  let field = fieldNamesOfColumns.get(column);
  if (field === undefined) {
    field = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    fieldNamesOfColumns.set(column, field);
  }
  return field;
}
