import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { recordType, type RecordType } from '../../fields/record-type.js';

/** Customers, for the parts of the engine that do not take a type yet. */
export function customerType(): RecordType<Customer> {
  return recordType<Customer>('rapport/Customer');
}
