import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import { recordTypes, type RecordType } from '../../engine/fields/record-type.js';
import { liveRecord, missingRecord } from '../../engine/records/missing-record.js';
import type { StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';

/** The record that a file belongs to. */
export interface FileRecord {
  type: RecordType;
  id: string;
}

/**
 * The record that a request names.
 *
 * @param name resource name, such as `deals/{id}`
 * @param field of the request
 * @throws AppError INVALID_ARGUMENT RECORD_TYPE_UNKNOWN
 */
export function recordNamed(name: string, field: string): FileRecord {
  const record = knownRecordOf(name);
  if (record) return record;
  const types = [...recordTypes()].map(({ plural }) => plural).toSorted();
  const description = `must begin with the plural of a type of records: ${types.join(', ')}.`;
  throw invalidArgument([{ field, reason: 'RECORD_TYPE_UNKNOWN', description }]);
}

/** The same of a stored name; undefined for a type that this release does not have. */
export function knownRecordOf(name: string): FileRecord | undefined {
  const [plural, id = ''] = name.split('/');
  const type = [...recordTypes()].find((each) => each.plural === plural);
  return type && { type, id };
}

/** @throws AppError PERMISSION_DENIED unless the caller may read or write records of the type */
export function checkRecordPermission({ type }: FileRecord, verb: 'read' | 'write'): void {
  const permission = `${type.contract.permission}.${verb}`;
  if (!currentCaller().permissions.includes(permission)) throw permissionMissing(permission);
}

/** @throws AppError NOT_FOUND unless the record is live and the caller sees it */
export async function checkRecord(em: EntityManager, { type, id }: FileRecord): Promise<void> {
  const [stored] = await queryRows<StoredRecord>(em, liveRecords(type, [id]));
  await liveRecord(em, type, id, stored?.record);
}

/** Whether the record is live and the caller sees it. */
export async function isShown(em: EntityManager, { type, id }: FileRecord): Promise<boolean> {
  const [stored] = await queryRows<StoredRecord>(em, liveRecords(type, [id]));
  return stored !== undefined;
}

/** Keeps the record live until the transaction ends. @throws AppError NOT_FOUND unless it is, and the caller sees it */
export async function holdRecord(em: EntityManager, { type, id }: FileRecord): Promise<void> {
  const { table } = type;
  const held = await queryRows<{ id: string }>(em, {
    name: `hold_${table}`,
    sql: `select id from ${table} where tenant_id = $1 and id = $2 and delete_time is null for share`,
    values: [currentCaller().tenantId, id],
  });
  if (held.length === 0) throw await missingRecord(em, type, id);
}
