import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type {
  CreateFileUploadRequest,
  FileUpload as FileUploadMessage,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { beyondScope, queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { File, FileUpload } from '../../engine/files/file.entity.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { storedPersonal } from '../../engine/files/sealed-files.js';
import { jobSignal } from '../../engine/operations/operation-jobs.js';
import { namedRecord } from '../../engine/fields/record-names.js';
import { completeUpload, uploadMessage } from './file-message.js';
import { cleanFileName } from './file-name.js';
import { checkRecord, checkRecordPermission, isShown, recordNamed } from './file-record.js';

/** Most incomplete uploads of a tenant. */
const maxOpen = 100;

/** Lifetime of an incomplete upload, in seconds. */
const waitSeconds = 24 * 60 * 60;

/** Handles CreateFileUpload, in the transaction of `em`. */
export async function createUpload(
  em: EntityManager,
  store: FileStore,
  { fileUpload: wanted }: CreateFileUploadRequest,
): Promise<FileUploadMessage> {
  if (!wanted) throw invalidArgument([{ field: 'fileUpload', reason: 'REQUIRED', description: 'is required.' }]);
  const record = recordNamed(wanted.record, 'fileUpload.record');
  checkRecordPermission(record, 'write');
  const name = cleanFileName(wanted.name, 'fileUpload.name');
  await checkRecord(em, record);
  const { tenantId, principalId } = currentCaller();
  await store.checkRoom(em, wanted.sizeBytes ?? 0);
  const id = uuidv7();
  const upload = em.create(FileUpload, {
    ...(await storedPersonal(id, { name, sha256: wanted.sha256 })),
    ...{ tenantId, id, record: wanted.record, recordTable: record.type.table },
    ...{ contentType: wanted.contentType, sizeBytes: wanted.sizeBytes },
    ...{ receivedBytes: 0, expireTime: new Date(Date.now() + waitSeconds * 1_000), createdBy: principalId },
  });
  await em.flush();
  await store.remove(em, upload.id, waitSeconds);
  await checkOpen(em);
  return uploadMessage(upload);
}

/** Handles GetFileUpload. @throws AppError NOT_FOUND */
export async function getUpload(em: EntityManager, id: string): Promise<FileUploadMessage> {
  const upload = await shownUpload(em, id);
  return upload instanceof File ? completeUpload(upload) : uploadMessage(upload);
}

/** Handles DeleteFileUpload. @throws AppError NOT_FOUND */
export async function deleteUpload(em: EntityManager, store: FileStore, id: string): Promise<FileUploadMessage> {
  const deleted = await em.transactional(
    async (transaction) => {
      const upload = await lockUpload(transaction, id);
      if (!upload) throw uploadMissing();
      checkRecordPermission(recordNamed(upload.record, 'id'), 'write');
      const message = await uploadMessage(upload);
      transaction.remove(upload);
      await transaction.flush();
      await store.remove(transaction, id);
      return message;
    },
    { clear: true },
  );
  jobSignal(em).wake();
  return deleted;
}

/**
 * An upload, or its complete file, of a record that the caller can see and write.
 *
 * @throws AppError NOT_FOUND
 */
export async function shownUpload(em: EntityManager, id: string): Promise<FileUpload | File> {
  const key = { tenantId: currentCaller().tenantId, id };
  const options = { disableIdentityMap: true };
  const found =
    (await em.findOne(FileUpload, key, options)) ?? (await em.findOne(File, { ...key, deleteTime: null }, options));
  const record = found && namedRecord(found.record);
  if (!found || !record) throw uploadMissing();
  checkRecordPermission(record, 'write');
  if (!(await isShown(em, record))) throw uploadMissing();
  return found;
}

/** An upload, locked; null when there is none. */
export function lockUpload(em: EntityManager, id: string): Promise<FileUpload | null> {
  const { tenantId } = currentCaller();
  return em.findOne(FileUpload, { tenantId, id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

export function uploadMissing(): AppError {
  return new AppError('NOT_FOUND', 'FILE_UPLOAD_NOT_FOUND', 'There is no such upload.');
}

/** Counts all uploads of the tenant, including those hidden from the caller. Call it last, because it widens the session. */
async function checkOpen(em: EntityManager): Promise<void> {
  await transactionPipeline(em, [beyondScope]);
  const [open] = await queryRows<{ count: number }>(em, {
    name: 'open_file_uploads',
    sql: 'select count(*)::int as count from file_upload where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  if ((open?.count ?? 0) <= maxOpen) return;
  const message = `There are ${maxOpen} uploads that are not complete. Complete or delete some.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_UPLOADS', message);
}
