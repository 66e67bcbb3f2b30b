/** Properties of a connector that do not depend on a peer. */
export interface ConnectorDescription {
  /** kebab-case, stable. */
  name: string;
  title: string;
  /** Version of the connector. A new major version cannot read cursors of the former one. */
  version: string;
  /** JSON Schema of the configuration (2020-12 draft, in the subset of Ajv's strict mode). Secret fields are `writeOnly`. */
  configurationSchema: ConfigurationSchema;
  /** True when `verifyWebhook` and `parseWebhook` exist. */
  webhooks: boolean;
}

export interface ConfigurationSchema {
  type: 'object';
  properties: Record<string, ConfigurationField>;
  required: string[];
  additionalProperties: false;
}

export interface ConfigurationField {
  type: 'string' | 'integer' | 'boolean' | 'array';
  title: string;
  description?: string;
  /** The value is secret: it is stored sealed and never returned. */
  writeOnly?: true;
  /**
   * The value determines where secrets are sent, or how they are protected in transit: a change of it requires the
   * secrets again.
   */
  destination?: true;
  [keyword: string]: unknown;
}

/** What a connection can exchange with its peer at present. */
export interface PeerDescription {
  recordTypes: RecordType[];
}

export interface RecordType {
  name: string;
  fields: RecordField[];
  capabilities: Capabilities;
  /** Why no records can be created, for users. Absent when they can. */
  createDescription?: string | undefined;
}

export interface RecordField {
  name: string;
  /**
   * `DATE` is `2026-11-25`, `TIME` RFC 3339 in UTC, `LOCAL_TIME` the same without a zone, which the peer does not
   * provide, `NUMBER` a JSON number, `DECIMAL` a decimal number as a text. `UNSUPPORTED` fields are never read or
   * written.
   */
  type: 'TEXT' | 'NUMBER' | 'DECIMAL' | 'BOOLEAN' | 'DATE' | 'TIME' | 'LOCAL_TIME' | 'JSON' | 'LIST' | 'UNSUPPORTED';
  /** False for fields that the peer sets itself. */
  writable: boolean;
  /** Required in a create. */
  required: boolean;
  /** The peer's declaration, such as `numeric(10,2)`. */
  declaredType?: string;
  /** Fixed number of decimal places of a DECIMAL, if any. */
  fractionDigits?: number | undefined;
  /** True when only some texts are valid, as for a column of the type `interval`. */
  isFormatted?: boolean;
  /** Time zone of a LOCAL_TIME by its IANA name, where it is known. */
  timeZone?: string;
  /** Why it is not exchanged, or not written. */
  description?: string;
}

/** Capabilities for the records of one type. Everything else is refused. */
export interface Capabilities {
  /** A read from the last cursor has only the changes since. Otherwise it is empty, or fails with CURSOR_EXPIRED. */
  incremental: boolean;
  /** How deletes appear: as tombstones in a read, or as missing keys in `readKeys`. */
  deletes: 'TOMBSTONES' | 'MISSING_KEYS';
  create: boolean;
  update: boolean;
  delete: boolean;
  /** The peer itself refuses a write with another version than expected, so no concurrent edit is lost. */
  preconditions: boolean;
  /** Rate limits of the peer per connection, where it publishes them. */
  rateLimit?: { requests: number; intervalSeconds: number };
}
