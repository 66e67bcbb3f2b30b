export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export type JsonObject = { [name: string]: JsonValue };

/** A record of a peer in neutral form. */
export interface PeerRecord extends RecordKey {
  /** By the field names of the record type. A field without a value is absent. */
  fields: JsonObject;
  /** Unreadable content of the record; the fields are absent. */
  issues?: RecordIssue[];
}

export interface RecordKey {
  /** The peer's id, stable for the lifetime of the record. */
  id: string;
  /** Changes with the record: the peer's version, or a hash of all content. Compared for equality only. */
  version: string;
}

/** A problem of a record. */
export interface RecordIssue {
  /** UPPER_SNAKE, stable, such as `NO_NAME`. */
  reason: string;
  /** A sentence for users. */
  message: string;
  /** Name of the field concerned. */
  field?: string;
  /** Line of a file, from 1. */
  line?: number;
}
