import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '../tenants/read-for-tenant.js';
import {
  auditColumns,
  auditEntryOf,
  auditStart,
  hashOfEntry,
  type AuditEntry,
  type AuditPoint,
  type AuditRow,
} from './audit-entry.js';
import { auditHeadsBetween } from './audit-heads.js';
import type { AuditHead, AuditPublicKeys } from './audit-keys.js';

/** An entry about many records takes about 100 kB. */
const batchSize = 100;

export type AuditFaultReason =
  | 'MISSING'
  | 'CHANGED'
  | 'NOT_LINKED'
  | 'NOT_APPENDED'
  | 'OTHER_HEAD'
  | 'HEAD_NOT_SIGNED'
  | 'OTHER_CHANGES';

/** The first fault of an entry. */
export interface AuditFault {
  number: number;
  /**
   * `MISSING`: the entry does not exist, though later entries, the end of the chain or a signed head prove that it did.
   * `CHANGED`: its content does not match its hash. `NOT_LINKED`: its previous hash is not that of the entry before.
   * `NOT_APPENDED`: it lies beyond the end of the chain. `OTHER_HEAD`: its hash differs from a signed head or from a
   * hash that the caller knows. `HEAD_NOT_SIGNED`: none of our keys signed its head. `OTHER_CHANGES`: its digest does
   * not match the change log.
   */
  reason: AuditFaultReason;
}

export interface AuditVerification {
  /** End of the valid part of the chain. */
  end: AuditPoint;
  fault: AuditFault | undefined;
  /** False when the time ran out before the end of the chain. Continue after `end`. */
  isComplete: boolean;
}

export interface AuditCheck {
  keys: AuditPublicKeys;
  /** A valid entry to continue from. Absent: from the beginning. */
  after?: AuditPoint | undefined;
  /** A head that the caller stored: the chain must contain it. */
  head?: AuditPoint | undefined;
  /** Compares entries with what they refer to. @returns the number of the first mismatch */
  findOtherContent?: (em: EntityManager, entries: readonly AuditEntry[]) => Promise<number | undefined>;
  /** Deadline by `Date.now()`. */
  endMs?: number;
}

/**
 * Verifies the chain of one tenant, which may grow meanwhile: each entry's hash and link, its signed heads, and what it
 * refers to.
 *
 * @param em in the session of the tenant
 */
export async function verifyAudit(em: EntityManager, tenantId: string, check: AuditCheck): Promise<AuditVerification> {
  let end = auditStart;
  if (check.after && check.after.number > 0) {
    const known = await findEntry(em, tenantId, check.after.number);
    if (known?.hash !== check.after.hash) {
      const reason = known ? 'OTHER_HEAD' : 'MISSING';
      return { end, fault: { number: check.after.number, reason }, isComplete: true };
    }
    end = check.after;
  }
  for (;;) {
    // Read before the entries, so that each entry it names is among them.
    const chain = await chainOf(em, tenantId);
    const entries = await auditEntriesAfter(em, tenantId, end.number);
    if (entries.length === 0) return { end, fault: faultAtEnd(end, chain, check.head), isComplete: true };
    const { sound, fault } = await soundPart(em, tenantId, entries, end, check);
    const { number, hash } = sound.at(-1) ?? end;
    end = { number, hash };
    if (fault) return { end, fault, isComplete: true };
    if (Date.now() >= (check.endMs ?? Infinity)) return { end, fault: undefined, isComplete: false };
  }
}

/** The fault of a chain that ends here. */
function faultAtEnd(end: AuditPoint, chain: ChainEnd, known: AuditPoint | undefined): AuditFault | undefined {
  if (Math.max(chain.number, chain.headNumber, known?.number ?? 0) > end.number) {
    return { number: end.number + 1, reason: 'MISSING' };
  }
  if (chain.number < end.number) return { number: chain.number + 1, reason: 'NOT_APPENDED' };
  return chain.hash === end.hash ? undefined : { number: end.number, reason: 'OTHER_HEAD' };
}

/** The entries before the first invalid one. */
async function soundPart(
  em: EntityManager,
  tenantId: string,
  entries: readonly AuditEntry[],
  start: AuditPoint,
  check: AuditCheck,
): Promise<{ sound: AuditEntry[]; fault: AuditFault | undefined }> {
  const heads = await auditHeadsBetween(em, tenantId, start.number, entries.at(-1)?.number ?? 0);
  const headOf = new Map(heads.map((head) => [head.number, head]));
  const sound: AuditEntry[] = [];
  let fault: AuditFault | undefined;
  for (const entry of entries) {
    fault = entryFault(entry, sound.at(-1) ?? start, headOf.get(entry.number), check);
    if (fault) break;
    sound.push(entry);
  }
  const wrong = await check.findOtherContent?.(em, sound);
  if (wrong === undefined) return { sound, fault };
  return { sound: sound.filter(({ number }) => number < wrong), fault: { number: wrong, reason: 'OTHER_CHANGES' } };
}

/** The fault of an entry after another one, with its signed head. */
export function entryFault(
  entry: AuditEntry,
  before: AuditPoint,
  head: AuditHead | undefined,
  { keys, head: known }: Pick<AuditCheck, 'keys' | 'head'>,
): AuditFault | undefined {
  const { number, hash } = entry;
  if (number !== before.number + 1) return { number: before.number + 1, reason: 'MISSING' };
  if (hashOfEntry(entry) !== hash) return { number, reason: 'CHANGED' };
  if (entry.previousHash !== before.hash) return { number, reason: 'NOT_LINKED' };
  if (known?.number === number && known.hash !== hash) return { number, reason: 'OTHER_HEAD' };
  if (!head) return undefined;
  if (!keys.isSigned(head)) return { number, reason: 'HEAD_NOT_SIGNED' };
  return head.hash === hash ? undefined : { number, reason: 'OTHER_HEAD' };
}

interface ChainEnd extends AuditPoint {
  /** Number of the newest signed head; 0 without any. */
  headNumber: number;
}

async function chainOf(em: EntityManager, tenantId: string): Promise<ChainEnd> {
  const [row] = await readForTenant<{ number: string | null; hash: string | null; head: string | null }>(em, {
    name: 'audit_chain_end',
    sql: `select c.number, encode(c.hash, 'hex') as hash, h.number as head
      from (select max(number) as number from audit_head where tenant_id = $1) h
      left join audit_chain c on c.tenant_id = $1`,
    values: [tenantId],
  });
  return {
    number: Number(row?.number ?? 0),
    hash: row?.hash ?? auditStart.hash,
    headNumber: Number(row?.head ?? 0),
  };
}

async function findEntry(em: EntityManager, tenantId: string, number: number): Promise<AuditEntry | undefined> {
  const [entry] = await auditEntriesAfter(em, tenantId, number - 1, 1);
  return entry?.number === number ? entry : undefined;
}

/** Entries after a number, oldest first. @param em in the session of the tenant */
export async function auditEntriesAfter(
  em: EntityManager,
  tenantId: string,
  after: number,
  most = batchSize,
): Promise<AuditEntry[]> {
  const rows = await readForTenant<AuditRow>(em, {
    name: 'audit_entries_after',
    sql: `select ${auditColumns} from audit_entry where tenant_id = $1 and number > $2 order by number limit $3`,
    values: [tenantId, after, most],
  });
  return rows.map(auditEntryOf);
}
