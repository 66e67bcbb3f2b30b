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
import type { AuditHead, AuditKeys } from './audit-keys.js';

/** An entry about many records is some 100 kB. */
const batchSize = 100;

export type AuditFaultReason =
  'MISSING' | 'CHANGED' | 'NOT_LINKED' | 'NOT_APPENDED' | 'OTHER_HEAD' | 'HEAD_NOT_SIGNED' | 'OTHER_CHANGES';

/** What is wrong with an entry, the first that is. */
export interface AuditFault {
  number: number;
  /**
   * `MISSING`: it is not there, though later ones are, or the end of the chain or a head says that it was. `CHANGED`: it is
   * not what was hashed. `NOT_LINKED`: it does not follow the one before. `NOT_APPENDED`: it is beyond the end of the chain.
   * `OTHER_HEAD`: a head, or what is known of it, has another hash. `HEAD_NOT_SIGNED`: none of our keys has signed its
   * head. `OTHER_CHANGES`: the log has other changes than it says.
   */
  reason: AuditFaultReason;
}

export interface AuditVerification {
  /** Up to where the chain is sound. */
  end: AuditPoint;
  fault: AuditFault | undefined;
  /** False when time was over before the end of the chain. Go on after `end`. */
  isComplete: boolean;
}

export interface AuditCheck {
  keys: AuditKeys;
  /** An entry that is known to be sound, to go on from. The beginning when absent. */
  after?: AuditPoint | undefined;
  /** What was kept elsewhere: the chain must have it. */
  head?: AuditPoint | undefined;
  /** Compares entries with what they refer to. @returns the number of the first that does not fit */
  findOtherContent?: (em: EntityManager, entries: readonly AuditEntry[]) => Promise<number | undefined>;
  /** By `Date.now()`, when to stop. */
  endMs?: number;
}

/**
 * Verifies the chain of one tenant while it may be growing: each entry's hash and link, its heads, and what it refers to.
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
    // Before the entries: one that it names must be among them.
    const chain = await chainOf(em, tenantId);
    const entries = await entriesAfter(em, tenantId, end.number);
    if (entries.length === 0) return { end, fault: faultAtEnd(end, chain, check.head), isComplete: true };
    const { sound, fault } = await soundPart(em, tenantId, entries, end, check);
    const { number, hash } = sound.at(-1) ?? end;
    end = { number, hash };
    if (fault) return { end, fault, isComplete: true };
    if (Date.now() >= (check.endMs ?? Infinity)) return { end, fault: undefined, isComplete: false };
  }
}

/** What is wrong with a chain that ends here. */
function faultAtEnd(end: AuditPoint, chain: ChainEnd, known: AuditPoint | undefined): AuditFault | undefined {
  if (Math.max(chain.number, chain.headNumber, known?.number ?? 0) > end.number) {
    return { number: end.number + 1, reason: 'MISSING' };
  }
  if (chain.number < end.number) return { number: chain.number + 1, reason: 'NOT_APPENDED' };
  return chain.hash === end.hash ? undefined : { number: end.number, reason: 'OTHER_HEAD' };
}

/** The entries up to the first that is wrong. */
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
    fault = faultOf(entry, sound.at(-1) ?? start, headOf.get(entry.number), check);
    if (fault) break;
    sound.push(entry);
  }
  const wrong = await check.findOtherContent?.(em, sound);
  if (wrong === undefined) return { sound, fault };
  return { sound: sound.filter(({ number }) => number < wrong), fault: { number: wrong, reason: 'OTHER_CHANGES' } };
}

function faultOf(
  entry: AuditEntry,
  before: AuditPoint,
  head: AuditHead | undefined,
  { keys, head: known }: AuditCheck,
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
  /** Of the newest head; 0 without any. */
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
  const [entry] = await entriesAfter(em, tenantId, number - 1, 1);
  return entry?.number === number ? entry : undefined;
}

async function entriesAfter(
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
