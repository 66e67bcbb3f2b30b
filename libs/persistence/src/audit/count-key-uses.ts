import type { EntityManager } from '@mikro-orm/postgresql';
import { printKeyUses, type KeyUse } from '@rapport/platform';
import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { tenantSession } from '../tenants/call-variables.js';
import { countAuditHeads } from './audit-heads.js';
import type { AuditKeys } from './audit-keys.js';

/** Of one statement: it may count all rows of a tenant. */
const statementTimeoutMs = 300_000;

/** A secret, and how to count what is stored under its keys. */
export interface StoredSecret {
  variable: string;
  /** Ids of the configured keys, the current one first. */
  keyIds: readonly string[];
  /** What belongs to a tenant. @param em in the session of the tenant */
  usesOf?: (em: EntityManager, tenantId: string) => Promise<readonly KeyUse[]>;
  /** What belongs to no tenant. */
  commonUses?: (em: EntityManager) => Promise<readonly KeyUse[]>;
}

/**
 * The operator's command that says which keys of a service are in use, one line of JSON for each: see `printKeyUses`.
 *
 * @param auditKeys their public keys verify heads for ever, so a retired one may be in use
 * @returns whether only current keys are in use, besides those that verify audit heads
 */
export async function printStoredKeyUses(
  database: DatabaseOptions,
  auditKeys: AuditKeys,
  secrets: readonly StoredSecret[],
): Promise<boolean> {
  const orm = createOrm({ ...database, statementTimeoutMs });
  const audit = {
    variable: 'AUDIT_SIGNING_KEY',
    keyIds: auditKeys.publicKeys.map(({ keyId }) => keyId),
    isKept: true,
    usesOf: countAuditHeads,
  };
  try {
    const tenants = await orm.em.fork().execute<{ id: string }[]>('select audit_tenants() as id');
    let isDone = true;
    const counted: (StoredSecret & { isKept?: boolean })[] = [...secrets, audit];
    for (const { usesOf, commonUses, ...secret } of counted) {
      const uses = [...((await commonUses?.(orm.em.fork())) ?? [])];
      for (const { id } of usesOf ? tenants : []) {
        uses.push(...((await usesOf?.(orm.em.fork({ session: tenantSession(id) }), id)) ?? []));
      }
      isDone = printKeyUses(secret, uses) && isDone;
    }
    return isDone;
  } finally {
    await orm.close();
  }
}
