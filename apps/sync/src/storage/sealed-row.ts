import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { SecretEnvelope } from './secret-envelope.js';

/** Columns whose sealed values live as long as their rows: the column, and the one whose id is part of the owner. */
const sealedColumns = {
  connection: ['sealed_secrets', 'id'],
  mapping: ['sealed_fingerprint_key', 'id'],
  deleted_mapping: ['sealed_fingerprint_key', 'id'],
  sync_link: ['sealed_intent', 'id'],
  kept_link: ['sealed_intent', 'id'],
  sync_conflict: ['sealed_fields', 'link_id'],
  flow_secret: ['sealed_value', 'name'],
  relay: ['sealed_secrets', 'id'],
  mailbox: ['sealed_secrets', 'id'],
} as const;

type SealedTable = keyof typeof sealedColumns;

const batchSize = 500;

/** The owner of a sealed value. */
export function rowOwner(table: SealedTable, tenantId: string, id: string): string {
  return `${table}/${tenantId}/${id}`;
}

/** Reseals values of a tenant's connections under the current master key, so that former master keys can be removed soon. */
export async function renewSealedRows(em: EntityManager, tenantId: string, envelope: SecretEnvelope): Promise<void> {
  for (const table of Object.keys(sealedColumns) as SealedTable[]) {
    while (await renewSome(em, table, tenantId, envelope));
  }
}

/** @returns false when nothing was left to do */
async function renewSome(
  em: EntityManager,
  table: SealedTable,
  tenantId: string,
  envelope: SecretEnvelope,
): Promise<boolean> {
  const [column, idColumn] = sealedColumns[table];
  const rows = await readForTenant<{ place: string; id: string; sealed: Buffer }>(em, {
    sql: `select ctid::text as place, ${idColumn} as id, ${column} as sealed from ${table}
      where tenant_id = $1 and substr(${column}, 1, $2) <> $3 limit ${batchSize}`,
    values: [tenantId, envelope.head.length, envelope.head],
  });
  for (const { place, id, sealed } of rows) {
    await readForTenant(em, {
      // A value that another process resealed in the meantime stays as it is.
      sql: `update ${table} set ${column} = $3 where ctid = $1::tid and ${column} = $2`,
      values: [place, sealed, envelope.renew(sealed, rowOwner(table, tenantId, id))],
    });
  }
  return rows.length > 0;
}
