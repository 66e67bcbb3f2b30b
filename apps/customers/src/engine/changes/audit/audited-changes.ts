import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { netstrings, readForTenant, type AuditEntry } from '@rapport/persistence';

/** Changes compared per batch: each includes its values. */
const mostChanges = 2_000;

/** An audit entry's description of changes. */
interface ChangeDetail {
  firstPosition: number;
  lastPosition: number;
  /** Concatenated digests of the changes, in hexadecimal. */
  digest: string;
}

interface Audited {
  entry: AuditEntry;
  detail: ChangeDetail;
}

/** A row of the change log as text; its digest is part of an entry. */
interface LoggedChange {
  position: string;
  id: string;
  type: string;
  record_id: string;
  version: string;
  operation: string;
  time: string;
  changed_fields: string | null;
  before: string | null;
  after: string | null;
  hop: string;
  /** Its digest before its values were erased. */
  erased_digest: Buffer | null;
  /** The common attributes of the changes of one entry. */
  request: string;
}

/**
 * Compares entries with their changes, as far as the change log still has them.
 *
 * @returns the number of the first entry whose changes differ from the log
 */
export async function findOtherChanges(em: EntityManager, entries: readonly AuditEntry[]): Promise<number | undefined> {
  const known = await knownFrom(em);
  const audited = entries
    .filter(({ kind }) => kind === 'CHANGE')
    .map((entry): Audited => ({ entry, detail: JSON.parse(entry.detail) as ChangeDetail }))
    .filter(({ detail }) => detail.firstPosition > known);
  for (const part of inParts(audited)) {
    const changes = await changesOf(em, part);
    const other = part.find((each) => digestOf(each, changes) !== each.detail.digest);
    if (other) return other.entry.number;
  }
  return undefined;
}

function* inParts(audited: readonly Audited[]): Generator<Audited[]> {
  let part: Audited[] = [];
  let count = 0;
  for (const each of audited) {
    part.push(each);
    count += each.entry.records.length;
    if (count < mostChanges) continue;
    yield part;
    part = [];
    count = 0;
  }
  if (part.length > 0) yield part;
}

/** The position above which the log has every change. */
async function knownFrom(em: EntityManager): Promise<number> {
  const [row] = await em.execute<{ position: string }[]>('select dropped_position as position from change_log_state');
  return Number(row?.position ?? 0);
}

async function changesOf(em: EntityManager, audited: readonly Audited[]): Promise<LoggedChange[]> {
  const first = Math.min(...audited.map(({ detail }) => detail.firstPosition));
  const last = Math.max(...audited.map(({ detail }) => detail.lastPosition));
  return readForTenant<LoggedChange>(em, {
    name: 'audited_changes',
    sql: `select position::text, id::text, type, record_id, version::text, operation, time::text, changed_fields::text,
        before::text, after::text, hop::text, erased_digest,
        json_build_array(actor, origin, request_id, causation_id)::text as request
      from change_log where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
        and position between $1 and $2 order by change_log.position`,
    values: [first, last],
  });
}

function digestOf({ entry, detail }: Audited, changes: readonly LoggedChange[]): string {
  const digest = createHash('sha256');
  const { actor, origin, requestId = null, causationId = null } = entry;
  for (const change of changes) {
    const position = Number(change.position);
    if (position < detail.firstPosition || position > detail.lastPosition) continue;
    const request = JSON.parse(change.request) as unknown[];
    if ([actor, origin, requestId, causationId].every((value, index) => value === request[index])) {
      digest.update(digestOfChange(change));
    }
  }
  return digest.digest('hex');
}

/** Must match changeDigest in audit-changes.migration.ts. */
function digestOfChange(change: LoggedChange): Buffer {
  if (change.erased_digest) return change.erased_digest;
  const { position, id, type, record_id, version, operation, time, changed_fields, before, after, hop } = change;
  const values = [position, id, type, record_id, version, operation, time, changed_fields, before, after, hop];
  return createHash('sha256').update(netstrings(values)).digest();
}
