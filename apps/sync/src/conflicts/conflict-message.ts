import type { EntityManager } from '@mikro-orm/postgresql';
import {
  SyncChoice,
  SyncConflictKind,
  type SyncConflict as SyncConflictMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import type { ConflictField, ConflictKind } from '../exchange/conflict-store.js';
import type { SecretEnvelope } from '../secrets/secret-envelope.js';
import { rowOwner } from '../secrets/sealed-row.js';

export interface ConflictRow {
  id: string;
  mapping_id: string;
  link_id: string;
  kind: ConflictKind;
  sealed_fields: Buffer | null;
  message: string;
  other_customer_id: string | null;
  create_time: string | Date;
  customer_id: string | null;
  record_id: string | null;
  choice: 'CUSTOMER' | 'PEER' | null;
}

/** Of a tenant, `$1`, all conflicts; conditions may follow. */
export const conflictQuery = `
  select conflict.id, conflict.mapping_id, conflict.link_id, conflict.kind, conflict.sealed_fields, conflict.message,
    conflict.other_customer_id, conflict.create_time, link.customer_id, link.record_id, link.choice
  from sync_conflict conflict
  join sync_link link on link.tenant_id = conflict.tenant_id and link.mapping_id = conflict.mapping_id
    and link.id = conflict.link_id
  where conflict.tenant_id = $1`;

/** @throws AppError NOT_FOUND, the same for a conflict of another tenant */
export async function findConflict(em: EntityManager, id: string): Promise<ConflictRow> {
  const [row] = await queryRows<ConflictRow>(em, {
    sql: `${conflictQuery} and conflict.id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (row) return row;
  throw new AppError('NOT_FOUND', 'SYNC_CONFLICT_NOT_FOUND', 'There is no such conflict any more.');
}

function openFields(envelope: SecretEnvelope, tenantId: string, linkId: string, sealed: Buffer): ConflictField[] {
  const opened = envelope.open(Buffer.from(sealed), rowOwner('sync_conflict', tenantId, linkId));
  return JSON.parse(opened.toString()) as ConflictField[];
}

export function conflictMessage(envelope: SecretEnvelope, tenantId: string, row: ConflictRow): SyncConflictMessage {
  const fields = row.sealed_fields === null ? [] : openFields(envelope, tenantId, row.link_id, row.sealed_fields);
  return {
    id: row.id,
    mappingId: row.mapping_id,
    kind: SyncConflictKind[row.kind],
    customerId: row.customer_id ?? undefined,
    recordId: row.record_id ?? undefined,
    fields: fields.map(({ field, customer, peer }) => ({
      customerField: field,
      customerValue: JSON.stringify(customer),
      peerValue: JSON.stringify(peer),
    })),
    message: row.message,
    otherCustomerId: row.other_customer_id ?? undefined,
    choice: SyncChoice[row.choice ?? 'UNSPECIFIED'],
    createTime: new Date(row.create_time).toISOString(),
  };
}
