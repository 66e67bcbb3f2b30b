import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  FilesServiceService,
  type FileUpload as FileUploadMessage,
  type UploadFileRequest,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { File, FileContent, hashOf, type FileUpload } from '../../engine/files/file.entity.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { lockContents } from '../../engine/files/files-of-records.js';
import { receiveUpload, uploadInProgress, type UploadTarget } from '../../engine/files/receive-upload.js';
import { jobSignal, removeJob } from '../../engine/operations/operation-jobs.js';
import { checkRequest } from '../../engine/values/contract.js';
import { completeUpload, uploadMessage } from './file-message.js';
import { holdRecord, recordNamed } from './file-record.js';
import { lockUpload, shownUpload, uploadMissing } from './file-uploads.js';
import { sniffContentType, sniffedBytes } from './sniff-content-type.js';

type Target = UploadTarget<FileUploadMessage>;

/** Answers UploadFile. See `receiveUpload`. */
export function uploadFile(
  em: EntityManager,
  store: FileStore,
  requests: AsyncIterable<UploadFileRequest>,
): Promise<FileUploadMessage> {
  const begin = async (request: UploadFileRequest): Promise<Target> => {
    checkRequest(FilesServiceService.uploadFile.path, request);
    const upload = await shownUpload(em, request.id);
    return upload instanceof File ? completeTarget(em, store, upload) : new OpenUpload(em, store, upload);
  };
  return receiveUpload(em, { field: 'content', dataOf: ({ content }) => content?.data, begin }, requests);
}

/** A file that is complete: a call may repeat its bytes, whose answer was lost. */
async function completeTarget(em: EntityManager, store: FileStore, file: File): Promise<Target> {
  const content = await contentOf(em, hashOf(file));
  return {
    receivedBytes: file.sizeBytes,
    pieceAt: (place) => store.pieceAt(em, content?.contentId ?? file.id, place),
    store(_received, data) {
      if (data.length === 0) return Promise.resolve(completeUpload(file));
      throw new AppError('FAILED_PRECONDITION', 'FILE_COMPLETE', 'The file is complete already.');
    },
  };
}

class OpenUpload implements Target {
  readonly receivedBytes: number;

  constructor(
    private readonly em: EntityManager,
    private readonly files: FileStore,
    private readonly upload: FileUpload,
  ) {
    this.receivedBytes = upload.receivedBytes;
  }

  pieceAt(place: number) {
    return this.files.pieceAt(this.em, this.upload.id, place);
  }

  async store(received: number, data: Buffer, isComplete: boolean): Promise<FileUploadMessage> {
    const { sizeBytes } = this.upload;
    const size = received + data.length;
    if (typeof sizeBytes === 'number' && (size > sizeBytes || (isComplete && size < sizeBytes))) {
      throw differs('SIZE_DIFFERS', `must have the ${sizeBytes} bytes that the upload says, not ${size}.`);
    }
    const stored = await this.em.transactional(
      async (em) => {
        const upload = await this.#locked(em, received);
        if (data.length > 0) await this.files.put(em, upload.id, received, data);
        upload.receivedBytes = size;
        return uploadMessage(upload);
      },
      { clear: true },
    );
    return isComplete ? this.#complete(size) : stored;
  }

  /** The upload of which as many bytes have arrived, locked. */
  async #locked(em: EntityManager, received: number): Promise<FileUpload> {
    const upload = await lockUpload(em, this.upload.id);
    if (!upload) throw uploadMissing();
    if (upload.receivedBytes !== received) throw uploadInProgress();
    return upload;
  }

  /** Makes a file of what has arrived. When the process dies before it is done, an empty call with `complete` does it. */
  async #complete(size: number): Promise<FileUploadMessage> {
    const { sha256, head } = await this.#digest(size);
    if (this.upload.sha256 && this.upload.sha256 !== sha256) {
      throw differs(
        'SHA256_DIFFERS',
        'does not have the SHA-256 that the upload says. Delete the upload and begin anew.',
      );
    }
    const answer = await this.em.transactional(
      async (em) => {
        await holdRecord(em, recordNamed(this.upload.record, 'id'));
        const upload = await this.#locked(em, size);
        await lockContents(em);
        await this.#keepContent(em, sha256, size);
        const { tenantId, id, record, recordTable, name, createdBy } = upload;
        const file = em.create(File, {
          ...{ tenantId, id, record, recordTable, name, createdBy, version: 1, createTime: new Date() },
          ...{ sizeBytes: size, sha256: [tenantId, sha256] },
          contentType: sniffContentType(head, upload.contentType ?? undefined),
        });
        em.remove(upload);
        return completeUpload(file);
      },
      { clear: true },
    );
    jobSignal(this.em).wake();
    return answer;
  }

  /** Reads what is stored, since earlier calls may have brought parts of it to other processes. */
  async #digest(size: number): Promise<{ sha256: string; head: Buffer }> {
    const hash = createHash('sha256');
    let head = Buffer.alloc(0);
    for await (const piece of this.files.read(this.em, this.upload.id, size)) {
      hash.update(piece);
      if (head.length < sniffedBytes) head = Buffer.concat([head, piece.subarray(0, sniffedBytes)]);
    }
    return { sha256: hash.digest('hex'), head: head.subarray(0, sniffedBytes) };
  }

  /** Keeps the bytes, or removes them when the tenant has the same already. */
  async #keepContent(em: EntityManager, sha256: string, sizeBytes: number): Promise<void> {
    const { id } = this.upload;
    if (await contentOf(em, sha256)) return this.files.remove(em, id);
    em.create(FileContent, { tenantId: currentCaller().tenantId, sha256, contentId: id, sizeBytes });
    await em.flush();
    await removeJob(em, id);
  }
}

function contentOf(em: EntityManager, sha256: string): Promise<FileContent | null> {
  return em.findOne(FileContent, { tenantId: currentCaller().tenantId, sha256 }, { disableIdentityMap: true });
}

function differs(reason: string, description: string): AppError {
  return invalidArgument([{ field: 'content', reason, description }]);
}
