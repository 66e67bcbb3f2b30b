import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, type KeyUse } from '@rapport/platform';
import { readForTenant } from '../tenants/read-for-tenant.js';
import { auditTime } from './audit-entry.js';
import type { AuditHead, AuditKeys } from './audit-keys.js';

/** Chains per query. */
const batchSize = 500;

interface HeadRow {
  tenant_id: string;
  number: string;
  hash: string;
  time: string;
  key_id: string;
  signature: string;
}

/**
 * Signs and stores the heads of chains that have grown since their last signed head: the chain of the tenant of `em`,
 * or all chains when `em` has no tenant.
 */
export async function signAuditHeads(em: EntityManager, keys: AuditKeys): Promise<void> {
  for (;;) {
    const chains = await em.execute<{ tenant_id: string; number: string; hash: string }[]>(
      `select tenant_id, number, encode(hash, 'hex') as hash from unsigned_audit_chains(?)`,
      [batchSize],
    );
    for (const { tenant_id, number, hash } of chains) {
      const head = keys.sign(tenant_id, { number: Number(number), hash }, new Date().toISOString());
      await em.execute(`select add_audit_head(?, ?, decode(?, 'hex'), ?, ?, decode(?, 'base64'))`, [
        ...[head.tenantId, head.number, head.hash, head.time, head.keyId, head.signature],
      ]);
    }
    if (chains.length < batchSize) return;
  }
}

/**
 * The current head of the tenant's chain.
 *
 * @param em in the session of the tenant
 * @throws AppError FAILED_PRECONDITION AUDIT_EMPTY while there is no entry
 */
export async function signAuditHead(em: EntityManager, tenantId: string, keys: AuditKeys): Promise<AuditHead> {
  await signAuditHeads(em, keys);
  const [head] = await findAuditHeads(em, tenantId, { most: 1 });
  if (!head) throw new AppError('FAILED_PRECONDITION', 'AUDIT_EMPTY', 'There is no entry to sign yet.');
  return head;
}

/** Signed heads of the tenant of `em`, newest first. @param before returns only lower numbers */
export async function findAuditHeads(
  em: EntityManager,
  tenantId: string,
  { most, before }: { most: number; before?: number | undefined },
): Promise<AuditHead[]> {
  const rows = await readForTenant<HeadRow>(em, {
    name: 'audit_heads',
    sql: `select ${headColumns} from audit_head where tenant_id = $1 and number < coalesce($2::bigint, 9223372036854775807)
      order by number desc limit $3`,
    values: [tenantId, before ?? null, most],
  });
  return rows.map(headOf);
}

/** All signed heads above one number and up to another, oldest first. */
export async function auditHeadsBetween(
  em: EntityManager,
  tenantId: string,
  after: number,
  last: number,
): Promise<AuditHead[]> {
  const rows = await readForTenant<HeadRow>(em, {
    name: 'audit_heads_between',
    sql: `select ${headColumns} from audit_head where tenant_id = $1 and number > $2 and number <= $3 order by number`,
    values: [tenantId, after, last],
  });
  return rows.map(headOf);
}

/** How many signed heads of a tenant each key has signed. @param em in the session of the tenant */
export async function countAuditHeads(em: EntityManager, tenantId: string): Promise<KeyUse[]> {
  const rows = await readForTenant<{ key_id: string; count: string }>(em, {
    sql: 'select key_id, count(*) as count from audit_head where tenant_id = $1 group by key_id',
    values: [tenantId],
  });
  return rows.map((row) => ({ keyId: row.key_id, kind: 'auditHead', count: Number(row.count) }));
}

const headColumns = `tenant_id, number, encode(hash, 'hex') as hash, ${auditTime} as time, key_id,
  encode(signature, 'base64') as signature`;

function headOf(row: HeadRow): AuditHead {
  return {
    tenantId: row.tenant_id,
    number: Number(row.number),
    hash: row.hash,
    time: row.time,
    keyId: row.key_id,
    // PostgreSQL inserts line breaks into base64.
    signature: row.signature.replaceAll('\n', ''),
  };
}
