import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  DeleteFileRequest,
  File as FileMessage,
  UndeleteFileRequest,
  UpdateFileRequest,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { checkEtag } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { contentIdOf, File } from '../../engine/files/file.entity.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { lockContents, removeUnused, restorableDays } from '../../engine/files/remove-files.js';
import { openFile, storedPersonal } from '../../engine/files/sealed-files.js';
import { removeJob } from '../../engine/operations/operation-jobs.js';
import { fileMessage } from './file-message.js';
import { cleanFileName } from './file-name.js';
import { fileMissing, shownFile } from './read-files.js';

const updatable: Updatable<'name'> = {
  name: 'file',
  noun: 'a file',
  fields: ['name'],
  fixed: Object.fromEntries(
    [
      ...['id', 'record', 'contentType', 'sizeBytes', 'sha256', 'etag', 'createTime', 'updateTime', 'deleteTime'],
      ...['createdBy', 'updatedBy'],
    ].map((name) => [name, 'OUTPUT_ONLY']),
  ),
};

/** Handles UpdateFile, in the transaction of `em`. @throws AppError NOT_FOUND */
export async function updateFile(em: EntityManager, request: UpdateFileRequest): Promise<FileMessage> {
  const { id, file: changes, updateMask, etag } = request;
  if (!changes) throw invalidArgument([{ field: 'file', reason: 'REQUIRED', description: 'is required.' }]);
  const mask = readMask(updateMask, updatable);
  const stored = await lockFile(em, id);
  if (stored.deleteTime) throw fileMissing();
  checkEtag(etag, stored.version);
  const before = await openFile(stored);
  const name = mask.includes('name') ? cleanFileName(changes.name, 'file.name') : before.name;
  return name === before.name ? fileMessage(stored) : changeFile(em, stored, { name });
}

/** Handles DeleteFile, in the transaction of `em`. @throws AppError NOT_FOUND */
export async function deleteFile(
  em: EntityManager,
  store: FileStore,
  { id, permanent = false, etag }: DeleteFileRequest,
): Promise<FileMessage> {
  if (permanent) await lockContents(em);
  const stored = await lockFile(em, id);
  if (stored.deleteTime && !permanent) throw fileMissing();
  checkEtag(etag, stored.version);
  if (!permanent) {
    await store.remove(em, id, restorableDays * 24 * 60 * 60);
    return changeFile(em, stored, { deleteTime: new Date() });
  }
  const message = await fileMessage(stored);
  em.remove(stored);
  await em.flush();
  await removeJob(em, id);
  await removeUnused(em, [contentIdOf(stored)]);
  return message;
}

/** Handles UndeleteFile, in the transaction of `em`. @throws AppError NOT_FOUND */
export async function undeleteFile(em: EntityManager, { id, etag }: UndeleteFileRequest): Promise<FileMessage> {
  const stored = await lockFile(em, id);
  if (!stored.deleteTime) {
    throw new AppError('FAILED_PRECONDITION', 'FILE_NOT_DELETED', 'The file is not deleted.');
  }
  checkEtag(etag, stored.version);
  await removeJob(em, id);
  return changeFile(em, stored, { deleteTime: null });
}

/** A live or deleted file that the caller can see and write. */
function lockFile(em: EntityManager, id: string): Promise<File> {
  return shownFile(em, id, 'write', (key) => em.findOne(File, key, { lockMode: LockMode.PESSIMISTIC_WRITE }));
}

/** Name and hash are always rewritten: the database refuses plaintext ones while the tenant is being encrypted. */
async function changeFile(
  em: EntityManager,
  stored: File,
  changes: { name?: string; deleteTime?: Date | null },
): Promise<FileMessage> {
  const { name, sha256 } = await openFile(stored);
  em.assign(stored, {
    ...changes,
    ...(await storedPersonal(stored.id, { name: changes.name ?? name, sha256 })),
    updateTime: changes.deleteTime ?? new Date(),
    updatedBy: currentCaller().principalId,
    version: stored.version + 1,
  });
  await em.flush();
  return fileMessage(stored);
}
