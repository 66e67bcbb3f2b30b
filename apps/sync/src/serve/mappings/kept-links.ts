import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import type { Mapping } from '../../exchange/mappings/mapping.entity.js';
import { batchSize, deleteAll } from '../../storage/delete-expired.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';

/** Retention of the links of a deleted mapping. */
const keptDays = 30;

const linkColumns = `id, customer_id, record_id, base, customer_version, record_version, sealed_intent, is_apart, copy_version,
  is_left_out`;

/** What a new mapping must have in common with a deleted one to reuse its links. */
type Place = Pick<Mapping, 'tenantId' | 'connectionId' | 'object' | 'recordType' | 'customerKind'>;

/**
 * Keeps the links of a mapping that is about to be deleted, with their base fingerprints and the key of these. Runs in
 * the transaction of the delete.
 */
export async function keepLinks(em: EntityManager, envelope: SecretEnvelope, mapping: Mapping): Promise<void> {
  const { tenantId, id, connectionId, object, recordType, customerKind, sealedFingerprintKey } = mapping;
  const key = envelope.open(Buffer.from(sealedFingerprintKey), rowOwner('mapping', tenantId, id));
  await queryRows(em, {
    sql: `insert into deleted_mapping (tenant_id, id, connection_id, object, record_type, customer_kind,
        sealed_fingerprint_key)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      ...[tenantId, id, connectionId, object, recordType, customerKind ?? null],
      ...[envelope.seal(key, rowOwner('deleted_mapping', tenantId, id))],
    ],
  });
  await queryRows(em, {
    sql: `insert into kept_link (tenant_id, mapping_id, ${linkColumns})
      select tenant_id, mapping_id, ${linkColumns} from sync_link where tenant_id = $1 and mapping_id = $2
        and ((customer_id is not null and record_id is not null) or is_apart or sealed_intent is not null)`,
    values: [tenantId, id],
  });
}

/** The fingerprint key of the deleted mapping whose links a new one reuses; undefined when there is none. */
export async function findKeptKey(
  em: EntityManager,
  envelope: SecretEnvelope,
  { tenantId, connectionId, object, recordType, customerKind }: Place,
): Promise<{ deletedId: string; key: Buffer } | undefined> {
  const [row] = await queryRows<{ id: string; sealed_fingerprint_key: Buffer }>(em, {
    sql: `select id, sealed_fingerprint_key from deleted_mapping
      where tenant_id = $1 and connection_id = $2 and record_type = $3
        and customer_kind is not distinct from $4 and object = $5
        and delete_time > now() - make_interval(days => ${keptDays})
        -- An equal mapping that still exists has links of its own.
        and not exists (select from mapping where tenant_id = $1 and connection_id = $2 and record_type = $3
          and customer_kind is not distinct from $4 and object = $5)
      order by delete_time desc limit 1 for update`,
    values: [tenantId, connectionId, recordType, customerKind ?? null, object],
  });
  if (!row) return undefined;
  const owner = rowOwner('deleted_mapping', tenantId, row.id);
  return { deletedId: row.id, key: envelope.open(Buffer.from(row.sealed_fingerprint_key), owner) };
}

/** Moves the links of a deleted mapping to a new one, and deletes the former for good. */
export async function takeUpLinks(em: EntityManager, { tenantId, id }: Mapping, deletedId: string): Promise<void> {
  await queryRows(em, {
    sql: `insert into sync_link (tenant_id, mapping_id, ${linkColumns})
      select tenant_id, $2, ${linkColumns} from kept_link where tenant_id = $1 and mapping_id = $3`,
    values: [tenantId, id, deletedId],
  });
  await queryRows(em, {
    sql: 'delete from deleted_mapping where tenant_id = $1 and id = $2',
    values: [tenantId, deletedId],
  });
}

/** Deletes links that no new mapping has reused in time. */
export function clearKeptLinks(em: EntityManager, tenantId: string): Promise<void> {
  return deleteAll(em, tenantId, deleteMappings, keptDays);
}

const deleteMappings = `
  delete from deleted_mapping where ctid = any (array(
    select ctid from deleted_mapping where tenant_id = $1 and delete_time < now() - make_interval(days => $2)
    limit ${batchSize} for update skip locked))`;
