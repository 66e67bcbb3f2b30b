import type { ConnectorEnvironment } from './connector-environment.js';
import type { ConnectorDescription, PeerDescription } from './description.js';
import type { JsonObject, PeerRecord, RecordIssue, RecordKey } from './peer-record.js';

/**
 * One kind of system that Rapport can exchange records with. A connector keeps nothing: no database, no connection
 * between calls (but see `keepSessions`), no memory of what it read. All state is in the cursors, ids and versions that it hands out.
 */
export interface Connector {
  readonly description: ConnectorDescription;

  /**
   * Binds the connector to one peer, without speaking to it yet.
   *
   * @throws ConnectorError INVALID that names each wrong field of `configuration`
   */
  connect(configuration: unknown, environment: ConnectorEnvironment): Peer;

  /**
   * Proves that a delivery comes from the peer, from the bytes alone, so that it can be answered at once. Absent when the
   * connector takes no webhooks.
   *
   * @throws ConnectorError UNAUTHORISED when it does not
   */
  verifyWebhook?(configuration: unknown, delivery: WebhookDelivery): VerifiedWebhook;

  /** The records that a verified delivery is about. Absent when the connector takes no webhooks. */
  parseWebhook?(delivery: WebhookDelivery): WebhookHint[];
}

/**
 * One system at the other side of a connection. Every method throws a `ConnectorError` when the call as a whole fails,
 * and the reason of `signal` when that is aborted; nothing is asked of the peer after that.
 */
export interface Peer {
  /**
   * Lets later calls reuse the connections that earlier ones opened, with the record types that were found on them. Absent when
   * calls open no connections of their own.
   *
   * @returns closes these connections, and stops reusing them
   */
  keepSessions?(): () => Promise<void>;

  /** Resolves when the peer is reachable and lets us do what the configuration wants. */
  check(signal: AbortSignal): Promise<void>;

  /** The record types and fields that this peer has now. */
  describe(signal: AbortSignal): Promise<PeerDescription>;

  /**
   * All records, or with a cursor what comes after it. At least one page comes, so that there always is a cursor. The next
   * page is asked for only when the caller comes back for it. Whatever changes while a read runs is in it, or in the read
   * that goes on from its last cursor: there is no hole, but a record may come twice.
   *
   * @throws ConnectorError CURSOR_EXPIRED when only a read from the beginning helps
   */
  read(request: ReadRequest): AsyncIterable<Page>;

  /** The keys of all records, in pages: what a reconciliation compares. Cheaper than `read` where the peer lets it be. */
  readKeys(request: ReadKeysRequest): AsyncIterable<RecordKey[]>;

  /** One record as it is now, `undefined` when there is none. */
  readOne(recordType: string, id: string, signal: AbortSignal): Promise<PeerRecord | undefined>;

  /** Writes each item by itself, in their order. @returns a result for each, in the same order */
  write(request: WriteRequest): Promise<WriteResult[]>;
}

export interface ReadRequest {
  recordType: string;
  /** The cursor of any page that was read before. Absent: from the beginning. */
  cursor?: string | undefined;
  /** Most records in a page. */
  pageSize?: number;
  signal: AbortSignal;
}

export type ReadKeysRequest = Omit<ReadRequest, 'cursor'>;

export interface Page {
  items: ReadItem[];
  /** Where to go on after this page; that of the last page is where the next incremental read begins. */
  cursor: string;
}

export type ReadItem =
  | { kind: 'RECORD'; record: PeerRecord }
  /** A tombstone: the record is gone at the peer. */
  | { kind: 'DELETED'; id: string }
  /** Something that is there but can't be read, with the reason. */
  | { kind: 'UNREADABLE'; id?: string; issues: RecordIssue[] };

export interface WriteRequest {
  recordType: string;
  items: WriteItem[];
  signal: AbortSignal;
}

export type WriteItem =
  /** `key` is the caller's: the same key never makes a second record, however often the create is sent. */
  | { kind: 'CREATE'; key: string; fields: JsonObject }
  /** Changes the named fields only, null clears one. `expectedVersion` is the version of the record to be changed. */
  | { kind: 'UPDATE'; id: string; expectedVersion: string; fields: JsonObject }
  | { kind: 'DELETE'; id: string; expectedVersion: string };

export type WriteResult =
  /** Done, now or by an earlier try. `version` is absent after a delete. */
  | { kind: 'WRITTEN'; id: string; version?: string }
  /** The peer has another version than expected, or the key has other content: `current`, absent when it is gone. */
  | { kind: 'CONFLICT'; id: string; current?: PeerRecord }
  /** The peer will never take this item as it is. */
  | { kind: 'REJECTED'; issues: RecordIssue[] }
  /** Not done; the same item may succeed after this time. */
  | { kind: 'RETRY_LATER'; retryAfterMs: number };

/** An HTTP request that arrived at the connection's address, exactly as it came. */
export interface WebhookDelivery {
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

export interface VerifiedWebhook {
  /** The same for each try to deliver the same event. */
  deliveryId: string;
}

/** A record that may have changed: to be read again, since what a webhook says may be old. */
export interface WebhookHint {
  recordType: string;
  id: string;
}
