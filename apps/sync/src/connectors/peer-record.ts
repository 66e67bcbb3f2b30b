export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export type JsonObject = { [name: string]: JsonValue };

/** A record of a peer in neutral form. */
export interface PeerRecord extends RecordKey {
  /** By the names that the record type describes. A field that the peer has no value for is absent. */
  fields: JsonObject;
  /** What is in the record but could not be read; the fields concerned are absent. */
  issues?: RecordIssue[];
}

export interface RecordKey {
  /** The peer's own, stable as long as the record lives. */
  id: string;
  /** Differs whenever the record does: the peer's version, or a hash of all that it holds. Compared for equality only. */
  version: string;
}

/** What is wrong with a record. */
export interface RecordIssue {
  /** UPPER_SNAKE, stable, such as `NO_NAME`. */
  reason: string;
  /** A sentence for people. */
  message: string;
  /** Name of the field concerned. */
  field?: string;
  /** Line of a file, from 1. */
  line?: number;
}
