import type { EntityManager } from '@mikro-orm/postgresql';
import { beyondScope, queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { recordName } from '../fields/record-names.js';
import type { RecordType } from '../fields/record-type.js';
import type { FileStore } from './file-store.js';

/**
 * Keeps other transactions from sharing or removing bytes of the tenant's files until this one ends: bytes that one is about to remove
 * must not get another file. Comes before the rows of files are locked.
 */
export async function lockContents(em: EntityManager): Promise<void> {
  const { tenantId } = currentCaller();
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`files ${tenantId}`]);
}

/**
 * Removes bytes that no file has any more, under `lockContents`. Widens the session: files count too that the caller does not see.
 *
 * @param hashes of files that have gone
 */
export async function removeUnused(em: EntityManager, store: FileStore, hashes: readonly string[]): Promise<void> {
  await transactionPipeline(em, [beyondScope]);
  const unused = await queryRows<{ content_id: string }>(em, {
    name: 'remove_unused_contents',
    sql: `delete from file_content content where tenant_id = $1 and sha256 = any ($2::text[])
        and not exists (select from file where file.tenant_id = $1 and file.sha256 = content.sha256)
      returning content_id`,
    values: [currentCaller().tenantId, [...hashes]],
  });
  for (const { content_id: contentId } of unused) await store.remove(em, contentId);
}

/**
 * Removes the files of records, and what has arrived of such.
 *
 * @param records resource names
 * @returns the ids of the files
 */
export async function removeFilesOf(
  em: EntityManager,
  store: FileStore,
  records: readonly string[],
): Promise<string[]> {
  const values = [currentCaller().tenantId, [...records]];
  await lockContents(em);
  const files = await queryRows<{ id: string; sha256: string }>(em, {
    name: 'remove_files_of_records',
    sql: 'delete from file where tenant_id = $1 and record = any ($2::text[]) returning id, sha256',
    values,
  });
  const uploads = await queryRows<{ id: string }>(em, {
    name: 'remove_uploads_of_records',
    sql: 'delete from file_upload where tenant_id = $1 and record = any ($2::text[]) returning id',
    values,
  });
  for (const { id } of uploads) await store.remove(em, id);
  await removeUnused(em, store, [...new Set(files.map(({ sha256 }) => sha256))]);
  return files.map(({ id }) => id);
}

/**
 * Gives the files of one record to another of its type, and uploads that are not complete.
 *
 * @param ids those files only, and no uploads
 * @returns the ids of the files that have moved
 */
export async function moveFiles(
  em: EntityManager,
  type: RecordType,
  move: { from: string; to: string },
  ids?: readonly string[],
): Promise<string[]> {
  const { tenantId } = currentCaller();
  const [from, to] = [recordName(type.table, move.from), recordName(type.table, move.to)];
  const moved = await queryRows<{ id: string }>(em, {
    name: 'move_files',
    sql: `update file set record = $3, version = version + 1
      where tenant_id = $1 and record = $2 and ($4::uuid[] is null or id = any ($4)) returning id`,
    values: [tenantId, from, to, ids ? [...ids] : null],
  });
  if (!ids) {
    await em.execute('update file_upload set record = ? where tenant_id = ? and record = ?', [to, tenantId, from]);
  }
  return moved.map(({ id }) => id);
}

/** Which of some records of a type have files. */
export async function idsWithFiles(em: EntityManager, type: RecordType, ids: readonly string[]): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(em, {
    name: 'records_with_files',
    sql: `select distinct split_part(record, '/', 2) as id from file where tenant_id = $1 and record = any ($2::text[])`,
    values: [currentCaller().tenantId, ids.map((id) => recordName(type.table, id))],
  });
  return rows.map(({ id }) => id);
}

/** Whether the caller's tenant has files, or bytes of such. */
export async function hasFiles(em: EntityManager): Promise<boolean> {
  const rows = await queryRows<{ has_files: boolean }>(em, {
    name: 'has_files',
    sql: `select exists (select from file where tenant_id = $1) or exists (select from file_upload where tenant_id = $1)
        or exists (select from file_usage where tenant_id = $1 and bytes > 0) as has_files`,
    values: [currentCaller().tenantId],
  });
  return rows[0]?.has_files === true;
}
