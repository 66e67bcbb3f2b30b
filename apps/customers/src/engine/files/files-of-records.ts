import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { recordName } from '../fields/record-names.js';
import type { RecordType } from '../fields/record-type.js';
import { currentSeal } from '../sealing/seal.js';
import { sealFiles } from './sealed-files.js';

/**
 * Moves the files and incomplete uploads of one record to another of its type.
 *
 * @param ids only these files, and no uploads
 * @returns the ids of the moved files
 */
export async function moveFiles(
  em: EntityManager,
  type: RecordType,
  move: { from: string; to: string },
  ids?: readonly string[],
): Promise<string[]> {
  const { tenantId, principalId } = currentCaller();
  const [from, to] = [recordName(type.table, move.from), recordName(type.table, move.to)];
  // The database refuses changes of unencrypted files while the tenant is being encrypted.
  if (currentSeal()) {
    await sealFiles(em, {
      name: 'files_to_move',
      sql: 'select id, name, sha256 from file where tenant_id = $1 and record = $2 order by id for update',
      values: [tenantId, from],
    });
  }
  const moved = await queryRows<{ id: string }>(em, {
    name: 'move_files',
    sql: `update file set record = $3, version = version + 1, update_time = $5, updated_by = $6
      where tenant_id = $1 and record = $2 and ($4::uuid[] is null or id = any ($4)) returning id`,
    values: [tenantId, from, to, ids ? [...ids] : null, new Date(), principalId],
  });
  if (!ids) {
    await em.execute('update file_upload set record = ? where tenant_id = ? and record = ?', [to, tenantId, from]);
  }
  return moved.map(({ id }) => id);
}

/** The records of a type, among these, that have files. */
export async function idsWithFiles(em: EntityManager, type: RecordType, ids: readonly string[]): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(em, {
    name: 'records_with_files',
    sql: `select distinct split_part(record, '/', 2) as id from file where tenant_id = $1 and record = any ($2::text[])`,
    values: [currentCaller().tenantId, ids.map((id) => recordName(type.table, id))],
  });
  return rows.map(({ id }) => id);
}
