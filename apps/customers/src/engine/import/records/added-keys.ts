import type { RecordType } from '../../fields/record-type.js';
import { ownedValues, type OwnedValue } from '../../records/claim-unique-values.js';
import { uniqueValues, without } from '../../records/unique-values.js';
import type { ImportRecord } from './import-record.js';

/** The keys that records have and did not have as they were stored. */
export function addedKeys(type: RecordType, records: ImportRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, record }) =>
    ownedValues(id, without(uniqueValues(type, record), stored ? uniqueValues(type, stored) : [])),
  );
}

/** The keys that records had as they were stored and have no longer. */
export function removedKeys(type: RecordType, records: ImportRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, record }) =>
    stored ? ownedValues(id, without(uniqueValues(type, stored), uniqueValues(type, record))) : [],
  );
}
