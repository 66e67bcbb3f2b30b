import type { EntityManager } from '@mikro-orm/postgresql';
import { beyondScope, queryRows, transactionPipeline, causedBy } from '@rapport/persistence';
import { callContext, currentCaller } from '@rapport/platform';
import { clearOperation } from '../operations/clear-operation.js';
import { enqueue, type Job } from '../operations/operation-jobs.js';
import type { Leftovers } from '../operations/operation-kind.js';
import type { FileStore } from './file-store.js';

/** How long a deleted file can be restored, in days. */
export const restorableDays = 30;

/** Removal of an abandoned upload, or of unreferenced bytes: its job has the id of both. */
const leftovers: readonly Leftovers[] = [
  { table: 'file_upload', limit: 1, column: 'id' },
  {
    table: 'file_piece',
    limit: 32,
    column: 'content_id',
    // Removal of an upload that was completed when it expired.
    unless: `exists (select from file_content used
      where used.tenant_id = file_piece.tenant_id and used.content_id = file_piece.content_id)`,
  },
];

/**
 * Locks the tenant's file contents until this transaction ends, so that no other transaction shares or removes them:
 * bytes that are about to be removed must not get another file. Take it before locking rows of files.
 */
export async function lockContents(em: EntityManager): Promise<void> {
  const { tenantId } = currentCaller();
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`files ${tenantId}`]);
}

/**
 * Removes unreferenced bytes, under `lockContents`. Widens the session: files that the caller does not see count too.
 *
 * @param contentIds of removed files
 */
export async function removeUnused(em: EntityManager, contentIds: readonly string[]): Promise<void> {
  const { tenantId } = currentCaller();
  await transactionPipeline(em, [beyondScope]);
  const unused = await queryRows<{ content_id: string }>(em, {
    name: 'remove_unused_contents',
    sql: `delete from file_content content where tenant_id = $1 and content_id = any ($2::uuid[])
        and not exists (select from file where file.tenant_id = $1 and file.content_id = content.content_id)
      returning content_id`,
    values: [tenantId, [...contentIds]],
  });
  for (const { content_id: id } of unused) await enqueue(em, { id, tenantId });
}

/**
 * Removes the files of records, and their incomplete uploads.
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
  const files = await queryRows<{ id: string; content_id: string }>(em, {
    name: 'remove_files_of_records',
    sql: 'delete from file where tenant_id = $1 and record = any ($2::text[]) returning id, content_id',
    values,
  });
  const uploads = await queryRows<{ id: string }>(em, {
    name: 'remove_uploads_of_records',
    sql: 'delete from file_upload where tenant_id = $1 and record = any ($2::text[]) returning id',
    values,
  });
  for (const { id } of uploads) await store.remove(em, id);
  await removeUnused(em, [...new Set(files.map(({ content_id }) => content_id))]);
  return files.map(({ id }) => id);
}

/** Runs the removal job of a deleted file, of an abandoned upload, or of unreferenced bytes. */
export async function clearFiles(em: EntityManager, job: Job, signal: AbortSignal): Promise<void> {
  // Comes first: unshared bytes have the id of their file, so that their job is this one.
  await removeDeleted(em, job);
  await clearOperation(em, leftovers, job, signal);
}

async function removeDeleted(em: EntityManager, { tenantId, operationId: id }: Job): Promise<void> {
  const caller = { tenantId, principalId: 'system:files', permissions: [] };
  const remove = async (transaction: EntityManager) => {
    await lockContents(transaction);
    const removed = await queryRows<{ content_id: string }>(transaction, {
      name: 'remove_deleted_file',
      // The clocks of the process that deleted the file and of the database may differ.
      sql: `delete from file where tenant_id = $1 and id = $2 and delete_time < now() - make_interval(days => $3)
        returning content_id`,
      values: [tenantId, id, restorableDays - 1],
    });
    await removeUnused(
      transaction,
      removed.map(({ content_id }) => content_id),
    );
  };
  await callContext.run({ requestId: id, caller }, () =>
    causedBy(em, { origin: 'expiry', causationId: id }, () => em.transactional(remove, { clear: true })),
  );
}
