import type { EntityManager } from '@mikro-orm/postgresql';
import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { readForTenant } from '../tenants/read-for-tenant.js';
import { tenantSession } from '../tenants/call-variables.js';
import { auditStart, type AuditEntry, type AuditPoint } from './audit-entry.js';
import { auditHeadsBetween } from './audit-heads.js';
import type { AuditHead, AuditPublicKeys } from './audit-keys.js';
import { auditEntriesAfter, entryFault, type AuditFault } from './verify-audit.js';

/** The first line of a chain in an archive: where its entries begin, and where they end. */
interface ChainLine {
  tenantId: string;
  /** The entry before the first one, by whose hash another archive or a stored head shows that none is between. */
  after: AuditPoint;
  /** The last entry, which has a signed head. */
  end: AuditPoint;
}

/** A line of an entry, with its signed head if it has one. */
interface EntryLine {
  entry: AuditEntry;
  head?: AuditHead;
}

/** Times in ISO 8601. */
export interface AuditPeriod {
  /** Inclusive. Absent: from the first entries. */
  from?: string | undefined;
  /** Exclusive. */
  until: string;
}

/**
 * Lines of JSON with the entries of all tenants in a period, from which `verifyAuditArchives` verifies them without the database. A
 * chain begins after its last signed head before the period, and ends with the last one in it, so that archives of adjoining
 * periods adjoin.
 */
export async function* archiveAudits(database: DatabaseOptions, { from, until }: AuditPeriod): AsyncGenerator<string> {
  const orm = createOrm(database);
  try {
    const tenants = await orm.em.fork().execute<{ tenant_id: string }[]>('select audit_tenants() as tenant_id');
    for (const { tenant_id: tenantId } of tenants) {
      const em = orm.em.fork({ session: tenantSession(tenantId) });
      const after = from === undefined ? auditStart : await lastHeadBefore(em, tenantId, from);
      const end = await lastHeadBefore(em, tenantId, until);
      if (end.number > after.number) yield* archiveChain(em, { tenantId, after, end });
    }
  } finally {
    await orm.close();
  }
}

async function* archiveChain(em: EntityManager, chain: ChainLine): AsyncGenerator<string> {
  const { tenantId, after, end } = chain;
  yield lineOf(chain);
  for (let last = after.number; last < end.number;) {
    const entries = (await auditEntriesAfter(em, tenantId, last)).filter(({ number }) => number <= end.number);
    const newest = entries.at(-1)?.number;
    // A chain with a gap is archived as it is, and is not valid.
    if (newest === undefined) return;
    const heads = await auditHeadsBetween(em, tenantId, last, newest);
    const headOf = new Map(heads.map((head) => [head.number, head]));
    yield entries.map((entry) => lineOf({ entry, head: headOf.get(entry.number) })).join('');
    last = newest;
  }
}

/** The last signed head before a time, or else the start of the chain. */
async function lastHeadBefore(em: EntityManager, tenantId: string, time: string): Promise<AuditPoint> {
  const [row] = await readForTenant<{ number: string; hash: string }>(em, {
    name: 'last_audit_head_before',
    sql: `select head.number, encode(head.hash, 'hex') as hash from audit_head head
      join audit_entry entry on entry.tenant_id = $1 and entry.number = head.number
      where head.tenant_id = $1 and entry.time < $2::timestamptz order by head.number desc limit 1`,
    values: [tenantId, time],
  });
  return row ? { number: Number(row.number), hash: row.hash } : auditStart;
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** What an archive proves of a chain. */
export interface ArchivedChain {
  tenantId: string;
  /** The entry before the first one: entries up to it are not in the archives. */
  after: AuditPoint;
  /** The last valid entry. */
  end: AuditPoint;
  fault?: AuditFault | undefined;
}

/**
 * Verifies the chains of archives, in the order of their periods, without a database: each entry's hash and link, its signed head, and
 * that the last entry has one. Of a chain with a fault, the rest is not read.
 *
 * @throws Error for a line that is not of an archive
 */
export async function verifyAuditArchives(
  archives: Iterable<AsyncIterable<string>>,
  keys: AuditPublicKeys,
): Promise<ArchivedChain[]> {
  const chains = new Map<string, ArchivedChain>();
  for (const lines of archives) {
    let current: { chain: ArchivedChain; end: AuditPoint; isSigned: boolean } | undefined;
    for await (const text of lines) {
      const line = JSON.parse(text) as Partial<ChainLine & EntryLine>;
      if (line.tenantId !== undefined && line.after && line.end) {
        endChain(current);
        const { tenantId, after, end } = line;
        const chain = chains.get(tenantId) ?? { tenantId, after, end: after };
        chain.fault ??= gapBetween(chain.end, after);
        chains.set(tenantId, chain);
        current = { chain, end, isSigned: false };
      } else if (line.entry && current) {
        const { chain } = current;
        const { entry, head } = line;
        if (entry.tenantId !== chain.tenantId) throw notOfArchive();
        chain.fault ??= entryFault(entry, chain.end, head, { keys });
        if (!chain.fault) chain.end = { number: entry.number, hash: entry.hash };
        current.isSigned = head !== undefined;
      } else {
        throw notOfArchive();
      }
    }
    endChain(current);
  }
  return [...chains.values()];
}

/** A chain ends with the entry that its first line names, which has a signed head. */
function endChain(current: { chain: ArchivedChain; end: AuditPoint; isSigned: boolean } | undefined): void {
  if (!current || current.chain.fault) return;
  const { chain, end, isSigned } = current;
  const { number, hash } = chain.end;
  if (number < end.number) chain.fault = { number: number + 1, reason: 'MISSING' };
  else if (hash !== end.hash) chain.fault = { number, reason: 'OTHER_HEAD' };
  else if (!isSigned) chain.fault = { number, reason: 'HEAD_NOT_SIGNED' };
}

/** The fault of an archive that does not adjoin the one before. */
function gapBetween(end: AuditPoint, after: AuditPoint): AuditFault | undefined {
  if (after.number > end.number) return { number: end.number + 1, reason: 'MISSING' };
  return after.number === end.number && after.hash === end.hash
    ? undefined
    : { number: after.number, reason: 'OTHER_HEAD' };
}

function notOfArchive(): Error {
  return new Error('A line is not of an archive of the audit.');
}
