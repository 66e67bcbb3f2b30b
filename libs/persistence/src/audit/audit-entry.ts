import { createHash } from 'node:crypto';
import { netstrings } from './netstrings.js';

/** One entry of a tenant's audit chain. */
export interface AuditEntry {
  tenantId: string;
  /** Starts at 1, without gaps. */
  number: number;
  /** ISO 8601 in UTC with milliseconds. */
  time: string;
  /** Event kind, such as `CHANGE` or `EXPORT`. */
  kind: string;
  /** The principal that did it, such as `apiKey:019ab2f4-…`. */
  actor: string;
  /** Channel of the call, such as `api` or `import`. */
  origin: string;
  requestId: string | undefined;
  causationId: string | undefined;
  /** The resources that the entry is about. */
  records: AuditedRecord[];
  /** JSON of the details of this kind, byte for byte as it was written. */
  detail: string;
  /** SHA-256 in hexadecimal; 64 zeros in the first entry. */
  previousHash: string;
  hash: string;
}

export interface AuditedRecord {
  /** Type and id, such as `customer/019ab2f4-…`. */
  name: string;
  /** The operation and the resulting version. Set for changes only. */
  operation: string | undefined;
  version: number | undefined;
}

/** A position in a chain and its expected hash. */
export interface AuditPoint {
  number: number;
  /** SHA-256 in hexadecimal. */
  hash: string;
}

/** The position before the first entry of every chain. */
export const auditStart: AuditPoint = { number: 0, hash: '0'.repeat(64) };

/** The hash of an entry: over all its fields and the hash of the previous entry. */
export function hashOfEntry(entry: Omit<AuditEntry, 'hash'>): string {
  const text = netstrings([
    entry.previousHash,
    entry.tenantId,
    entry.number,
    entry.time,
    entry.kind,
    entry.actor,
    entry.origin,
    entry.requestId,
    entry.causationId,
    netstrings(entry.records.flatMap(({ name, operation, version }) => [name, operation, version])),
    entry.detail,
  ]);
  return createHash('sha256').update(text).digest('hex');
}

/** SQL that formats the column `time` as entries contain it. */
export const auditTime = `to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** A row of `audit_entry` as `auditColumns` selects it. */
export interface AuditRow {
  tenant_id: string;
  number: string;
  time: string;
  kind: string;
  actor: string;
  origin: string;
  request_id: string | null;
  causation_id: string | null;
  records: string[];
  operations: (string | null)[];
  versions: (number | null)[];
  detail: string;
  previous_hash: string;
  hash: string;
}

export const auditColumns = `tenant_id, number, ${auditTime} as time, kind, actor, origin, request_id, causation_id,
  records, operations, versions, detail, encode(previous_hash, 'hex') as previous_hash, encode(hash, 'hex') as hash`;

export function auditEntryOf(row: AuditRow): AuditEntry {
  return {
    tenantId: row.tenant_id,
    number: Number(row.number),
    time: row.time,
    kind: row.kind,
    actor: row.actor,
    origin: row.origin,
    requestId: row.request_id ?? undefined,
    causationId: row.causation_id ?? undefined,
    records: row.records.map((name, index) => ({
      name,
      operation: row.operations[index] ?? undefined,
      version: row.versions[index] ?? undefined,
    })),
    detail: row.detail,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

/** Lists show at most this many resources of an entry. */
const mostShown = 20;

/** An entry in a list: the message `rapport.api.v1.AuditEntry`. */
export interface ShownAuditEntry extends Omit<AuditEntry, 'tenantId' | 'detail'> {
  recordCount: number;
  detail: Record<string, unknown>;
}

export function shownAuditEntry({ tenantId: _, detail, records, ...entry }: AuditEntry): ShownAuditEntry {
  return {
    ...entry,
    records: records.slice(0, mostShown),
    recordCount: records.length,
    detail: JSON.parse(detail) as Record<string, unknown>,
  };
}
