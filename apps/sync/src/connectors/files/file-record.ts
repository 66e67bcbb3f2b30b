import type { JsonObject, RecordIssue } from '../peer-record.js';

/** A record of a file before its id is settled. */
export interface FileRecord {
  line: number;
  /** As the file says it; `undefined` when it can't be known, `''` when it should be there and is not. */
  id: string | undefined;
  fields: JsonObject;
  /** All that the record consists of. */
  content: string;
  issues: RecordIssue[];
}

/** Something in a file that is no record. */
export interface UnreadableRecord {
  line: number;
  reason: string;
  message: string;
}

/** Most characters in a line of CSV or NDJSON. */
export const maxRecordSize = 1024 * 1024;
