import { recordTypes, type RecordType } from '../fields/record-type.js';
import { customerType } from '../records/customers/customer-type.js';

/** The record types with personal data, in the order of encryption: customers first. */
export function sealedTypes(): RecordType[] {
  const personal = [...recordTypes()].filter((type) =>
    type.contract.fields.some(({ column }) => type.isPersonal(column)),
  );
  return personal.sort((one, other) => place(one).localeCompare(place(other)));
}

export function isCustomers(type: RecordType): boolean {
  return type.contract.type === customerType().contract.type;
}

function place(type: RecordType): string {
  return isCustomers(type) ? '' : type.table;
}
