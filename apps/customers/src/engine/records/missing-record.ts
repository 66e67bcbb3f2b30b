import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { validate as isUuid, version } from 'uuid';
import type { RecordType } from '../fields/record-type.js';
import { notFound } from './record-changes.js';

/** For each merged record, the surviving one at the end of the chain of merges. */
export async function survivors(
  source: EntityManager | StatementTransaction,
  { table }: RecordType,
  ids: string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await queryRows<{ id: string; survivor_id: string }>(source, {
    name: `survivors_of_${table}s`,
    sql: `with recursive step as (
        select id, merged_into_id as survivor_id from ${table}
        where tenant_id = $1 and id = any ($2::uuid[]) and merged_into_id is not null
        union all
        select step.id, ${table}.merged_into_id from step
        join ${table} on ${table}.tenant_id = $1 and ${table}.id = step.survivor_id
        where ${table}.merged_into_id is not null
      )
      select step.id, step.survivor_id from step
      join ${table} on ${table}.tenant_id = $1 and ${table}.id = step.survivor_id and ${table}.merged_into_id is null`,
    values: [currentCaller().tenantId, ids],
  });
  return new Map(rows.map((row) => [row.id, row.survivor_id]));
}

/** @throws AppError NOT_FOUND unless the record is live, as `missingRecord` says */
export async function liveRecord<Found extends { deleteTime?: unknown }>(
  source: EntityManager | StatementTransaction,
  type: RecordType,
  id: string,
  record: Found | null | undefined,
): Promise<Found> {
  if (record && !record.deleteTime) return record;
  throw await missingRecord(source, type, id);
}

/** NOT_FOUND for a record that is not live, with the surviving record or the erasure when that is the reason. */
export async function missingRecord(
  source: EntityManager | StatementTransaction,
  type: RecordType,
  id: string,
): Promise<AppError> {
  const isMergeable = type.contract.fields.some(({ column }) => column === 'merged_into_id');
  const survivor = isMergeable ? (await survivors(source, type, [id])).get(id) : undefined;
  return (survivor === undefined ? await erasedError(source, type, id) : undefined) ?? notFound(type, survivor);
}

/** NOT_FOUND for an erased record; undefined for any other. */
export async function erasedError(
  source: EntityManager | StatementTransaction,
  { constant, singular }: RecordType,
  id: string,
): Promise<AppError | undefined> {
  const [erasure] = await queryRows<{ id: string }>(source, {
    name: 'erasure_of_record',
    sql: 'select id from erasure where tenant_id = $1 and customer_ids @> array[$2::text] limit 1',
    values: [currentCaller().tenantId, id],
  });
  if (!erasure) return undefined;
  const metadata = { erasureId: erasure.id };
  return new AppError('NOT_FOUND', `${constant}_ERASED`, `The ${singular} was erased.`, { metadata });
}

/**
 * NOT_FOUND for a record without a row. `undoneImportId` says that the undo of an import has removed it: where the undo of an import
 * is complete, all records are that were created before it ended, unless an undo has removed them.
 */
export async function removedRecord(source: StatementTransaction, type: RecordType, id: string): Promise<AppError> {
  const missing = notFound(type);
  if (!isUuid(id) || version(id) !== 7) return missing;
  const createTime = new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
  const [undone] = await queryRows<{ id: string }>(source, {
    name: 'undone_import_of_record',
    sql: `select id from operation
      where tenant_id = $1 and kind = 'IMPORT' and state = 'UNDONE' and create_time <= $2 and end_time >= $2
      order by id desc limit 1`,
    values: [currentCaller().tenantId, createTime],
  });
  if (!undone) return missing;
  const { code, reason, message } = missing;
  return new AppError(code, reason, message, { metadata: { undoneImportId: undone.id } });
}
