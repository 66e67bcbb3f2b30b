import {
  FilesServiceService,
  type File as FileMessage,
  type FileUpload as FileUploadMessage,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { formatEtag } from '@rapport/persistence';
import type { StoredValues } from '../../engine/changes/log/stored-values.js';
import { loggedColumns, type NamedRecord, type LoggedType } from '../../engine/changes/log/logged-types.js';
import type { File, FileUpload } from '../../engine/files/file.entity.js';
import { openFile, openFiles } from '../../engine/files/sealed-files.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { namedRecord } from '../../engine/fields/record-names.js';

const descriptor = methodDescriptor(FilesServiceService.getFile.path).output;

/** Files in the change log, for readers that can read the record too. */
export const loggedFiles: LoggedType = {
  name: 'file',
  table: 'file',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'RECORD', of: recordOf },
  alsoRead: recordOf,
  empty: {},
  permission: 'files',
};

function recordOf({ record }: StoredValues): readonly NamedRecord[] {
  const known = typeof record === 'string' ? namedRecord(record) : undefined;
  return known ? [{ type: known.type.table, id: known.id }] : [];
}

/** A stored file as its message of the contract. */
export async function fileMessage(file: File): Promise<FileMessage> {
  const [message] = await fileMessages([file]);
  return message!;
}

/** `fileMessage` for many files. */
export async function fileMessages(files: readonly File[]): Promise<FileMessage[]> {
  const opened = await openFiles(files);
  return files.map((file, index) => messageOf(file, opened[index]));
}

function messageOf(
  file: File,
  { name = '', sha256 = '' }: { name?: string; sha256?: string | undefined } = {},
): FileMessage {
  return {
    id: file.id,
    record: file.record,
    name,
    contentType: file.contentType,
    sizeBytes: file.sizeBytes,
    sha256,
    etag: formatEtag(file.version),
    createTime: file.createTime.toISOString(),
    updateTime: file.updateTime.toISOString(),
    deleteTime: file.deleteTime?.toISOString(),
    createdBy: file.createdBy,
    updatedBy: file.updatedBy,
  };
}

/** A stored upload as its message of the contract. */
export async function uploadMessage(upload: FileUpload): Promise<FileUploadMessage> {
  const { name, sha256 } = await openFile(upload);
  return {
    id: upload.id,
    record: upload.record,
    name,
    contentType: upload.contentType ?? undefined,
    sizeBytes: upload.sizeBytes ?? undefined,
    sha256,
    receivedBytes: upload.receivedBytes,
    file: undefined,
    expireTime: upload.expireTime.toISOString(),
  };
}

/** The upload of a file, once it is complete. */
export async function completeUpload(stored: File): Promise<FileUploadMessage> {
  const file = await fileMessage(stored);
  const { id, record, name, contentType, sizeBytes, sha256 } = file;
  const receivedBytes = sizeBytes;
  return { id, record, name, contentType, sizeBytes, sha256, receivedBytes, file, expireTime: undefined };
}
