import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  File as FileMessage,
  ListFilesRequest,
  ListFilesResponse,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { namedRecord } from '../../engine/fields/record-names.js';
import { File } from '../../engine/files/file.entity.js';
import { fileMessage, fileMessages } from './file-message.js';
import { checkRecord, checkRecordPermission, isShown, recordNamed } from './file-record.js';

const defaultPageSize = 20;

/** Handles ListFiles: one page, after the id in the page token. */
export async function listFiles(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { record, pageSize = defaultPageSize, pageToken, showDeleted = false }: ListFilesRequest,
): Promise<ListFilesResponse> {
  const { tenantId } = currentCaller();
  const named = recordNamed(record, 'record');
  checkRecordPermission(named, 'read');
  const binding = JSON.stringify(['ListFiles', tenantId, record, showDeleted]);
  const [before] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  await checkRecord(em, named);
  // One file beyond the page shows that there is a next page.
  const files = await em.find(
    File,
    {
      ...{ tenantId, record },
      ...(typeof before === 'string' && { id: { $lt: before } }),
      ...(!showDeleted && { deleteTime: null }),
    },
    { orderBy: { id: 'desc' }, limit: pageSize + 1, disableIdentityMap: true },
  );
  const page = files.slice(0, pageSize);
  const last = files.length > pageSize ? page.at(-1) : undefined;
  return {
    files: await fileMessages(page),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}

/** Handles GetFile. @throws AppError NOT_FOUND */
export async function getFile(em: EntityManager, id: string): Promise<FileMessage> {
  return fileMessage(await shownFile(em, id, 'read'));
}

/**
 * A file of a record that the caller can see, and can read or write.
 *
 * @param find reads the file
 * @throws AppError NOT_FOUND
 */
export async function shownFile(
  em: EntityManager,
  id: string,
  verb: 'read' | 'write',
  find: (key: { tenantId: string; id: string }) => Promise<File | null> = (key) =>
    em.findOne(File, { ...key, deleteTime: null }, { disableIdentityMap: true }),
): Promise<File> {
  const file = await find({ tenantId: currentCaller().tenantId, id });
  const record = file && namedRecord(file.record);
  if (!file || !record) throw fileMissing();
  checkRecordPermission(record, verb);
  if (!(await isShown(em, record))) throw fileMissing();
  return file;
}

export function fileMissing(): AppError {
  return new AppError('NOT_FOUND', 'FILE_NOT_FOUND', 'There is no such file.');
}
