import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import { namedRecord, permissionOf, type NamedRecord } from '../../engine/fields/record-names.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { liveRecord, missingRecord } from '../../engine/records/missing-record.js';
import type { StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';

/**
 * The record that a request names.
 *
 * @param name resource name, such as `deals/{id}`
 * @param field of the request
 * @throws AppError INVALID_ARGUMENT RECORD_TYPE_UNKNOWN
 */
export function recordNamed(name: string, field: string): NamedRecord {
  const record = namedRecord(name);
  if (record) return record;
  const types = [...recordTypes()].map(({ plural }) => plural).toSorted();
  const description = `must begin with the plural of a type of records: ${types.join(', ')}.`;
  throw invalidArgument([{ field, reason: 'RECORD_TYPE_UNKNOWN', description }]);
}

/** @throws AppError PERMISSION_DENIED unless the caller can read or write records of the type */
export function checkRecordPermission({ type }: NamedRecord, verb: 'read' | 'write'): void {
  const permission = permissionOf(type, verb);
  if (!currentCaller().permissions.includes(permission)) throw permissionMissing(permission);
}

/** @throws AppError NOT_FOUND unless the record is live and visible to the caller */
export async function checkRecord(em: EntityManager, { type, id }: NamedRecord): Promise<void> {
  const [stored] = await queryRows<StoredRecord>(em, liveRecords(type, [id]));
  await liveRecord(em, type, id, stored?.record);
}

/** Whether the record is live and visible to the caller. */
export async function isShown(em: EntityManager, { type, id }: NamedRecord): Promise<boolean> {
  const [stored] = await queryRows<StoredRecord>(em, liveRecords(type, [id]));
  return stored !== undefined;
}

/**
 * Locks the record live until the transaction ends. @throws AppError NOT_FOUND unless it is live and visible to the
 * caller
 */
export async function holdRecord(em: EntityManager, { type, id }: NamedRecord): Promise<void> {
  const { table } = type;
  const held = await queryRows<{ id: string }>(em, {
    name: `hold_${table}`,
    sql: `select id from ${table} where tenant_id = $1 and id = $2 and delete_time is null for share`,
    values: [currentCaller().tenantId, id],
  });
  if (held.length === 0) throw await missingRecord(em, type, id);
}
