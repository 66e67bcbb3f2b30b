import { ownedValues, type OwnedValue } from '../../records/claim-unique-values.js';
import { uniqueValues, without } from '../../records/unique-values.js';
import { customerType } from '../../records/customers/customer-type.js';
import type { CustomerRecord } from './customer-record.js';

/** The keys that records have and did not have as they were stored. */
export function addedKeys(records: CustomerRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, customer }) =>
    ownedValues(
      id,
      without(uniqueValues(customerType(), customer), stored ? uniqueValues(customerType(), stored) : []),
    ),
  );
}

/** The keys that records had as they were stored and have no longer. */
export function removedKeys(records: CustomerRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, customer }) =>
    stored
      ? ownedValues(id, without(uniqueValues(customerType(), stored), uniqueValues(customerType(), customer)))
      : [],
  );
}
