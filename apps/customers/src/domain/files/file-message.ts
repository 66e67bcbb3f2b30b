import {
  FilesServiceService,
  type File as FileMessage,
  type FileUpload as FileUploadMessage,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { hashOf, type File, type FileUpload } from '../../engine/files/file.entity.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { namedRecord } from '../../engine/fields/record-names.js';

const descriptor = methodDescriptor(FilesServiceService.getFile.path).output;

/** Files in the change log. */
export const loggedFiles: LoggedType = {
  name: 'file',
  table: 'file',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: {
    by: 'RECORD',
    of: ({ record }) => {
      const known = typeof record === 'string' ? namedRecord(record) : undefined;
      return known ? [{ type: known.type.table, id: known.id }] : [];
    },
  },
  empty: {},
  permission: 'files',
};

/** A stored file as the contract shows it. */
export function fileMessage(file: File): FileMessage {
  return {
    id: file.id,
    record: file.record,
    name: file.name,
    contentType: file.contentType,
    sizeBytes: file.sizeBytes,
    sha256: hashOf(file),
    createTime: file.createTime.toISOString(),
    createdBy: file.createdBy,
  };
}

/** A stored upload as the contract shows it. */
export function uploadMessage(upload: FileUpload): FileUploadMessage {
  return {
    id: upload.id,
    record: upload.record,
    name: upload.name,
    contentType: upload.contentType ?? undefined,
    sizeBytes: upload.sizeBytes ?? undefined,
    sha256: upload.sha256 ?? undefined,
    receivedBytes: upload.receivedBytes,
    file: undefined,
    expireTime: upload.expireTime.toISOString(),
  };
}

/** The upload of a file, once it is complete. */
export function completeUpload(file: File): FileUploadMessage {
  const { id, record, name, contentType, sizeBytes, sha256 } = fileMessage(file);
  const receivedBytes = sizeBytes;
  return {
    id,
    record,
    name,
    contentType,
    sizeBytes,
    sha256,
    receivedBytes,
    file: fileMessage(file),
    expireTime: undefined,
  };
}
