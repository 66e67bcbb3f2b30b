import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  FilesServiceService as Methods,
  type CreateFileUploadRequest,
  type DeleteFileRequest,
  type DeleteFileUploadRequest,
  type DownloadFileRequest,
  type File,
  type FilesServiceServer,
  type FileUpload,
  type GetFileRequest,
  type GetFileUploadRequest,
  type ListFilesRequest,
  type ListFilesResponse,
  type UndeleteFileRequest,
  type UpdateFileRequest,
  type UploadFileRequest,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { PageTokenKey, recordAuditEvent } from '@rapport/persistence';
import { FileStore } from '../../engine/files/file-store.js';
import { jobSignal } from '../../engine/operations/operation-jobs.js';
import { writeCall } from '../../engine/records/write-call.js';
import { deleteFile, undeleteFile, updateFile } from './change-file.js';
import { downloadFile } from './download-file.js';
import { createUpload, deleteUpload, getUpload } from './file-uploads.js';
import { getFile, listFiles } from './read-files.js';
import { uploadFile } from './upload-file.js';

@Controller()
@ImplementsService(Methods)
export class FilesController implements ServiceHandlers<FilesServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly store: FileStore,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  createFileUpload(request: CreateFileUploadRequest): Promise<FileUpload> {
    return writeCall(this.em, Methods.createFileUpload, request, (em) => createUpload(em, this.store, request));
  }

  getFileUpload({ id }: GetFileUploadRequest): Promise<FileUpload> {
    return getUpload(this.em, id);
  }

  uploadFile(requests: AsyncIterable<UploadFileRequest>): Promise<FileUpload> {
    return uploadFile(this.em, this.store, requests);
  }

  deleteFileUpload({ id }: DeleteFileUploadRequest): Promise<FileUpload> {
    return deleteUpload(this.em, this.store, id);
  }

  getFile({ id }: GetFileRequest): Promise<File> {
    return getFile(this.em, id);
  }

  listFiles(request: ListFilesRequest): Promise<ListFilesResponse> {
    return listFiles(this.em, this.pageTokenKey, request);
  }

  updateFile(request: UpdateFileRequest): Promise<File> {
    return writeCall(this.em, Methods.updateFile, request, (em) => updateFile(em, request));
  }

  downloadFile(request: DownloadFileRequest): AsyncIterable<HttpBody> {
    return downloadFile(this.em, this.store, request);
  }

  async deleteFile(request: DeleteFileRequest): Promise<File> {
    const deleted = await writeCall(this.em, Methods.deleteFile, request, (em) => deleteFile(em, this.store, request));
    jobSignal(this.em).wake();
    // Recorded in the audit: the change log has only the earlier deletion, and the actor of the purge must be known
    // too. A retried call records it again.
    if (request.permanent && deleted.deleteTime) {
      await recordAuditEvent(this.em, { kind: 'FILE_REMOVAL', records: [`file/${deleted.id}`] });
    }
    return deleted;
  }

  undeleteFile(request: UndeleteFileRequest): Promise<File> {
    return writeCall(this.em, Methods.undeleteFile, request, (em) => undeleteFile(em, request));
  }
}
