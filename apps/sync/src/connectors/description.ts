/** What a connector is, before it knows any peer. */
export interface ConnectorDescription {
  /** kebab-case, stable. */
  name: string;
  title: string;
  /** Version of the connector: a new major one reads no cursors of the one before. */
  version: string;
  /** JSON Schema (2020-12 draft, the part that Ajv calls strict) of the configuration. Secret fields are `writeOnly`. */
  configurationSchema: ConfigurationSchema;
  /** True when `verifyWebhook` and `parseWebhook` are there. */
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
  /** The value is secret: it is kept sealed and never shown again. */
  writeOnly?: true;
  /** The value says where secrets are sent, or what protects them on their way: who changes it gives them again. */
  destination?: true;
  [keyword: string]: unknown;
}

/** What a connection can exchange, as its peer is now. */
export interface PeerDescription {
  recordTypes: RecordType[];
}

export interface RecordType {
  name: string;
  fields: RecordField[];
  capabilities: Capabilities;
  /** Why no records are created, for people. Absent when they are. */
  createDescription?: string | undefined;
}

export interface RecordField {
  name: string;
  /**
   * `DATE` is `2026-11-25`, `TIME` RFC 3339 in UTC, `LOCAL_TIME` the same without a zone, since the peer does not say it,
   * `NUMBER` a JSON number, `DECIMAL` a decimal number as a text. What is `UNSUPPORTED` is never read or written.
   */
  type: 'TEXT' | 'NUMBER' | 'DECIMAL' | 'BOOLEAN' | 'DATE' | 'TIME' | 'LOCAL_TIME' | 'JSON' | 'LIST' | 'UNSUPPORTED';
  /** False for what the peer sets itself. */
  writable: boolean;
  /** A create without it is rejected. */
  required: boolean;
  /** As the peer declares it, such as `numeric(10,2)`. */
  declaredType?: string;
  /** Digits after the point that each DECIMAL of the field has, where it has a fixed number of them. */
  fractionDigits?: number | undefined;
  /** True when only some texts fit, as into a column of the type `interval`. */
  isFormatted?: boolean;
  /** Of each LOCAL_TIME of the field, by its IANA name, where it is known. */
  timeZone?: string;
  /** Why it is not exchanged, or not written. */
  description?: string;
}

/** What works with the records of one type. Whatever is not there is refused, never pretended. */
export interface Capabilities {
  /** A read from the last cursor has only what changed since. Otherwise it has nothing, or fails with CURSOR_EXPIRED. */
  incremental: boolean;
  /** How deletes show: as tombstones in a read, or only as keys that are missing in `readKeys`. */
  deletes: 'TOMBSTONES' | 'MISSING_KEYS';
  create: boolean;
  update: boolean;
  delete: boolean;
  /** The peer itself refuses a write when the version is not the expected one: no edit in between can be lost. */
  preconditions: boolean;
  /** What the peer lets one connection do, where it says so. */
  rateLimit?: { requests: number; intervalSeconds: number };
}
