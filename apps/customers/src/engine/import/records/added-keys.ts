import { ownedValues, type OwnedValue } from '../../records/claim-unique-values.js';
import { without } from '../../records/customer-changes.js';
import { uniqueValues } from '../../records/customer-keys.js';
import type { CustomerRecord } from './customer-record.js';

/** The keys that records have and did not have as they were stored. */
export function addedKeys(records: CustomerRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, customer }) =>
    ownedValues(id, without(uniqueValues(customer), stored ? uniqueValues(stored) : [])),
  );
}

/** The keys that records had as they were stored and have no longer. */
export function removedKeys(records: CustomerRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, customer }) =>
    stored ? ownedValues(id, without(uniqueValues(stored), uniqueValues(customer))) : [],
  );
}
