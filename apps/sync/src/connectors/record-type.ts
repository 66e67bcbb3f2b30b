import { ConnectorError } from './connector-error.js';

/** @throws ConnectorError SCHEMA_CHANGED when the peer has no such record type */
export function checkRecordType(recordType: string, known: string[]): void {
  if (known.includes(recordType)) return;
  throw new ConnectorError('SCHEMA_CHANGED', `There are no records of the type ${recordType}.`);
}
