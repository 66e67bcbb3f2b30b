import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import type {
  File as FileMessage,
  ListFilesRequest,
  ListFilesResponse,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { File, FileContent, hashOf } from '../../engine/files/file.entity.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { lockContents, removeUnused } from '../../engine/files/files-of-records.js';
import { jobSignal } from '../../engine/operations/operation-jobs.js';
import type { PageTokenKey } from '../../engine/query/list-records.js';
import { namedRecord } from '../../engine/fields/record-names.js';
import { fileMessage } from './file-message.js';
import { attachment } from './file-name.js';
import { checkRecord, checkRecordPermission, isShown, recordNamed } from './file-record.js';

const defaultPageSize = 20;

/** Answers ListFiles: one page, from the id that the page token holds. */
export async function listFiles(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { record, pageSize = defaultPageSize, pageToken }: ListFilesRequest,
): Promise<ListFilesResponse> {
  const { tenantId } = currentCaller();
  const named = recordNamed(record, 'record');
  checkRecordPermission(named, 'read');
  const binding = JSON.stringify(['ListFiles', tenantId, record]);
  const [before] = pageToken === undefined ? [] : readPageToken(pageTokenKey.bytes, binding, pageToken);
  await checkRecord(em, named);
  // The file beyond the page tells that there is a next one.
  const files = await em.find(
    File,
    { tenantId, record, ...(typeof before === 'string' && { id: { $lt: before } }) },
    { orderBy: { id: 'desc' }, limit: pageSize + 1, disableIdentityMap: true },
  );
  const page = files.slice(0, pageSize);
  const last = files.length > pageSize ? page.at(-1) : undefined;
  return {
    files: page.map(fileMessage),
    nextPageToken: last && signPageToken(pageTokenKey.bytes, binding, [last.id]),
  };
}

/** Answers GetFile. @throws AppError NOT_FOUND */
export async function getFile(em: EntityManager, id: string): Promise<FileMessage> {
  return fileMessage(await shownFile(em, id, 'read'));
}

/**
 * Answers DownloadFile, a piece at a time. No connection is held while the reader takes one.
 *
 * @throws AppError NOT_FOUND
 * @throws AppError PERMISSION_DENIED to a caller from whom personal data is hidden
 */
export async function* downloadFile(em: EntityManager, store: FileStore, id: string): AsyncGenerator<HttpBody, void> {
  if (isHiding()) {
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
  }
  const file = await shownFile(em, id, 'read');
  const { name, contentType, sizeBytes } = file;
  const content = await em.findOne(
    FileContent,
    { tenantId: currentCaller().tenantId, sha256: hashOf(file) },
    { disableIdentityMap: true },
  );
  if (!content) throw fileMissing();
  const disposition = { name: 'content-disposition', value: attachment(name) };
  const value = HttpHeader.encode(disposition).finish();
  const headers = [{ typeUrl: 'type.googleapis.com/rapport.api.v1.HttpHeader', value: Buffer.from(value) }];
  yield { contentType, data: Buffer.alloc(0), extensions: headers };
  for await (const data of store.read(em, content.contentId, sizeBytes)) {
    yield { contentType: '', data, extensions: [] };
  }
}

/** Answers DeleteFile. @throws AppError NOT_FOUND */
export async function deleteFile(em: EntityManager, store: FileStore, id: string): Promise<FileMessage> {
  const deleted = await em.transactional(
    async (transaction) => {
      await lockContents(transaction);
      const file = await shownFile(transaction, id, 'write');
      // Of two calls that delete it one is first.
      const { tenantId } = currentCaller();
      if ((await transaction.nativeDelete(File, { tenantId, id })) === 0) throw fileMissing();
      await removeUnused(transaction, store, [hashOf(file)]);
      return fileMessage(file);
    },
    { clear: true },
  );
  jobSignal(em).wake();
  return deleted;
}

/** A file of a record that the caller sees, and may read or write. @throws AppError NOT_FOUND */
async function shownFile(em: EntityManager, id: string, verb: 'read' | 'write'): Promise<File> {
  const file = await em.findOne(File, { tenantId: currentCaller().tenantId, id }, { disableIdentityMap: true });
  const record = file && namedRecord(file.record);
  if (!file || !record) throw fileMissing();
  checkRecordPermission(record, verb);
  if (!(await isShown(em, record))) throw fileMissing();
  return file;
}

function fileMissing(): AppError {
  return new AppError('NOT_FOUND', 'FILE_NOT_FOUND', 'There is no such file.');
}
