import { ownedValues, valueText, type OwnedValue } from '../claim-unique-values.js';
import { uniqueValues } from '../customer-keys.js';
import type { CustomerRecord } from './customer-record.js';

/** The keys that records have and did not have as they were stored. */
export function addedKeys(records: CustomerRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, customer }) => {
    const values = uniqueValues(customer);
    if (!stored) return ownedValues(id, values);
    const had = new Set(uniqueValues(stored).map(valueText));
    return ownedValues(
      id,
      values.filter((value) => !had.has(valueText(value))),
    );
  });
}
