import { uniqueValues, type UniqueValue } from '../customer-keys.js';
import type { CustomerRecord } from './customer-record.js';

/** The keys that records have and did not have as they were stored, with the names of their columns. */
export function addedKeys(
  records: CustomerRecord[],
): { type: UniqueValue['type']; value: string; customer_id: string }[] {
  return records.flatMap(({ id, stored, customer }) => {
    const had = new Set(stored ? uniqueValues(stored).map(({ type, value }) => `${type} ${value}`) : []);
    return uniqueValues(customer)
      .filter(({ type, value }) => !had.has(`${type} ${value}`))
      .map(({ type, value }) => ({ type, value, customer_id: id }));
  });
}
