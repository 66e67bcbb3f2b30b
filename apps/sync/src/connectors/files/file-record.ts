import type { JsonObject, RecordIssue } from '../peer-record.js';

/** A record of a file before its id is final. */
export interface FileRecord {
  line: number;
  /** The id in the file; `undefined` when it has none, `''` when it is missing. */
  id: string | undefined;
  fields: JsonObject;
  /** The complete content of the record. */
  content: string;
  issues: RecordIssue[];
}

/** Content of a file that is no record. */
export interface UnreadableRecord {
  line: number;
  reason: string;
  message: string;
}

/** Maximum number of characters in a line of CSV or NDJSON. */
export const maxRecordSize = 1024 * 1024;
