import type { RecordType } from '../../fields/record-type.js';
import { ownedValues, type OwnedValue } from '../../records/claim-unique-values.js';
import { uniqueValues, without } from '../../records/unique-values.js';
import type { ImportRecord } from './import-record.js';

/** Unique values of the current records that the stored ones lack. */
export function addedKeys(type: RecordType, records: ImportRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, record }) =>
    ownedValues(id, without(uniqueValues(type, record), stored ? uniqueValues(type, stored) : [])),
  );
}

/** Unique values of the stored records that the current ones lack. */
export function removedKeys(type: RecordType, records: ImportRecord[]): OwnedValue[] {
  return records.flatMap(({ id, stored, record }) =>
    stored ? ownedValues(id, without(uniqueValues(type, stored), uniqueValues(type, record))) : [],
  );
}
