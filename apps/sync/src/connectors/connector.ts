import type { ConnectorEnvironment } from './connector-environment.js';
import type { ConnectorDescription, PeerDescription } from './description.js';
import type { JsonObject, PeerRecord, RecordIssue, RecordKey } from './peer-record.js';

/**
 * A kind of system that Rapport can exchange records with. A connector is stateless: it has no database, no connections
 * between calls (except with `keepSessions`), and no memory of earlier reads. All state is in the cursors, ids and
 * versions that it returns.
 */
export interface Connector {
  readonly description: ConnectorDescription;

  /**
   * Binds the connector to one peer, without calling it.
   *
   * @throws ConnectorError INVALID that names each wrong field of `configuration`
   */
  connect(configuration: unknown, environment: ConnectorEnvironment): Peer;

  /**
   * Verifies that a delivery comes from the peer, from the bytes alone, so that it can be answered at once. Absent when
   * the connector takes no webhooks.
   *
   * @throws ConnectorError UNAUTHORISED when it does not
   */
  verifyWebhook?(configuration: unknown, delivery: WebhookDelivery): VerifiedWebhook;

  /** The records that a verified delivery names. Absent when the connector takes no webhooks. */
  parseWebhook?(delivery: WebhookDelivery): WebhookHint[];
}

/**
 * The system at the other side of a connection. Every method throws a `ConnectorError` when the call as a whole fails,
 * and the reason of `signal` when it aborts. An aborted call sends the peer no further request.
 */
export interface Peer {
  /**
   * Makes later calls reuse the connections of earlier ones, with the record types that they found. Absent for peers
   * without connections of their own.
   *
   * @returns closes these connections, and ends their reuse
   */
  keepSessions?(): () => Promise<void>;

  /** Resolves when the peer is reachable and grants what the configuration needs. */
  check(signal: AbortSignal): Promise<void>;

  /** The current record types and fields of the peer. */
  describe(signal: AbortSignal): Promise<PeerDescription>;

  /**
   * All records, or those after a cursor. Yields at least one page, so that there always is a cursor. The next page is
   * requested when the caller asks for it. A change during a read is in it, or in the next read from its last cursor:
   * records may repeat, but none is missed.
   *
   * @throws ConnectorError CURSOR_EXPIRED when a full read is necessary
   */
  read(request: ReadRequest): AsyncIterable<Page>;

  /** The keys of all records, in pages, for a reconciliation. Cheaper than `read` where the peer supports it. */
  readKeys(request: ReadKeysRequest): AsyncIterable<RecordKey[]>;

  /** The current state of a record; `undefined` when it does not exist. */
  readOne(recordType: string, id: string, signal: AbortSignal): Promise<PeerRecord | undefined>;

  /** Writes the items one after the other. @returns a result for each, in the same order */
  write(request: WriteRequest): Promise<WriteResult[]>;
}

export interface ReadRequest {
  recordType: string;
  /** The cursor of any earlier page. Absent: a full read. */
  cursor?: string | undefined;
  /** Maximum number of records per page. */
  pageSize?: number;
  signal: AbortSignal;
}

export type ReadKeysRequest = Omit<ReadRequest, 'cursor'>;

export interface Page {
  items: ReadItem[];
  /** Cursor after this page. The next incremental read starts at that of the last page. */
  cursor: string;
}

export type ReadItem =
  | { kind: 'RECORD'; record: PeerRecord }
  /** A tombstone: the record is deleted at the peer. */
  | { kind: 'DELETED'; id: string }
  /** An unreadable record, with the reason. */
  | { kind: 'UNREADABLE'; id?: string; issues: RecordIssue[] };

export interface WriteRequest {
  recordType: string;
  items: WriteItem[];
  signal: AbortSignal;
}

export type WriteItem =
  /** `key` is the idempotency key of the create: however often it is sent, it creates one record. */
  | { kind: 'CREATE'; key: string; fields: JsonObject }
  /** Changes the named fields only; null clears a field. `expectedVersion` is the version of the record to be changed. */
  | { kind: 'UPDATE'; id: string; expectedVersion: string; fields: JsonObject }
  | { kind: 'DELETE'; id: string; expectedVersion: string };

export type WriteResult =
  /** Written, now or by an earlier attempt. `version` is absent after a delete. */
  | { kind: 'WRITTEN'; id: string; version?: string }
  /** The peer has another version than expected, or other content under the key: `current`, absent for a deleted record. */
  | { kind: 'CONFLICT'; id: string; current?: PeerRecord }
  /** The peer never takes this item unchanged. */
  | { kind: 'REJECTED'; issues: RecordIssue[] }
  /** Not written; the same item may succeed after this time. */
  | { kind: 'RETRY_LATER'; retryAfterMs: number };

/** An HTTP request to the connection's webhook address, unmodified. */
export interface WebhookDelivery {
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

export interface VerifiedWebhook {
  /** The same for each attempt to deliver the same event. */
  deliveryId: string;
}

/** A record that may have changed. It is read again, since a webhook may be outdated. */
export interface WebhookHint {
  recordType: string;
  id: string;
}
