import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { SecretEnvelope } from './secret-envelope.js';

/** What is sealed for as long as its row is there: the column, and that of the id it is sealed for. */
const sealedColumns = {
  connection: ['sealed_secrets', 'id'],
  mapping: ['sealed_fingerprint_key', 'id'],
  deleted_mapping: ['sealed_fingerprint_key', 'id'],
  sync_link: ['sealed_intent', 'id'],
  kept_link: ['sealed_intent', 'id'],
  sync_conflict: ['sealed_fields', 'link_id'],
} as const;

type SealedTable = keyof typeof sealedColumns;

const batchSize = 500;

/** Whose a sealed value is. */
export function rowOwner(table: SealedTable, tenantId: string, id: string): string {
  return `${table}/${tenantId}/${id}`;
}

/** Seals what is kept of a tenant's connections under the present master key, so that none of it needs a former one for long. */
export async function renewSealedRows(em: EntityManager, tenantId: string, envelope: SecretEnvelope): Promise<void> {
  for (const table of Object.keys(sealedColumns) as SealedTable[]) {
    while (await renewSome(em, table, tenantId, envelope));
  }
}

/** @returns false when there was nothing left to do */
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
      // One that was sealed anew by somebody else meanwhile stays as it is.
      sql: `update ${table} set ${column} = $3 where ctid = $1::tid and ${column} = $2`,
      values: [place, sealed, envelope.renew(sealed, rowOwner(table, tenantId, id))],
    });
  }
  return rows.length > 0;
}
