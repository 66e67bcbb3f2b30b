import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  FilesServiceService,
  type FileUpload as FileUploadMessage,
  type UploadFileRequest,
} from '@rapport/contracts/rapport/content/v1/files_service';
import { AppError, currentCaller, invalidArgument, type ViolationCode } from '@rapport/platform';
import { File, FileContent, type FileUpload } from '../../engine/files/file.entity.js';
import { pieceAt, type FileStore, type StoredBytes } from '../../engine/files/file-store.js';
import { receiveUpload, uploadInProgress, type UploadTarget } from '../../engine/files/receive-upload.js';
import { lockContents } from '../../engine/files/remove-files.js';
import { keyOfFile, openFile, storedPersonal } from '../../engine/files/sealed-files.js';
import { jobSignal, removeJob } from '../../engine/operations/operation-jobs.js';
import type { DataKey } from '../../engine/sealing/data-key.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { checkRequest } from '../../engine/values/contract.js';
import { bytesOf } from './download-file.js';
import { completeUpload, uploadMessage } from './file-message.js';
import { holdRecord, recordNamed } from './file-record.js';
import { lockUpload, shownUpload, uploadMissing } from './file-uploads.js';
import { sniffContentType, sniffedBytes } from './sniff-content-type.js';

type Target = UploadTarget<FileUploadMessage>;

/** Handles UploadFile. See `receiveUpload`. */
export function uploadFile(
  em: EntityManager,
  store: FileStore,
  requests: AsyncIterable<UploadFileRequest>,
): Promise<FileUploadMessage> {
  const begin = async (request: UploadFileRequest): Promise<Target> => {
    checkRequest(FilesServiceService.uploadFile.path, request);
    const upload = await shownUpload(em, request.id);
    if (upload instanceof File) return completeTarget(em, upload);
    const key = (await keyOfFile(upload)) ?? undefined;
    // The tenant's encryption is about to delete earlier uploads.
    if (currentSeal() && !key) throw uploadMissing();
    return new OpenUpload(em, store, upload, key);
  };
  return receiveUpload(em, { field: 'content', dataOf: ({ content }) => content?.data, begin }, requests);
}

/** A complete file: a client may repeat the bytes of a call whose response was lost. */
function completeTarget(em: EntityManager, file: File): Target {
  return {
    receivedBytes: file.sizeBytes,
    pieceAt: async (place) => {
      const bytes = await bytesOf(em, file.id);
      return bytes && pieceAt(em, bytes, place);
    },
    store(_received, data) {
      if (data.length === 0) return completeUpload(file);
      throw new AppError('FAILED_PRECONDITION', 'FILE_COMPLETE', 'The file is already complete.');
    },
  };
}

class OpenUpload implements Target {
  readonly receivedBytes: number;
  readonly #bytes: StoredBytes;

  constructor(
    private readonly em: EntityManager,
    private readonly files: FileStore,
    private readonly upload: FileUpload,
    key: DataKey | undefined,
  ) {
    this.receivedBytes = upload.receivedBytes;
    this.#bytes = { contentId: upload.id, key };
  }

  pieceAt(place: number) {
    return pieceAt(this.em, this.#bytes, place);
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
        if (data.length > 0) await this.files.put(em, this.#bytes, received, data);
        upload.receivedBytes = size;
        return uploadMessage(upload);
      },
      { clear: true },
    );
    return isComplete ? this.#complete(size) : stored;
  }

  /** The upload with this many received bytes, locked. */
  async #locked(em: EntityManager, received: number): Promise<FileUpload> {
    const upload = await lockUpload(em, this.upload.id);
    if (!upload) throw uploadMissing();
    if (upload.receivedBytes !== received) throw uploadInProgress();
    return upload;
  }

  /** Turns the received bytes into a file. If the process dies first, an empty call with `complete` does it. */
  async #complete(size: number): Promise<FileUploadMessage> {
    const { sha256, head } = await this.#digest(size);
    const { name, sha256: wanted } = await openFile(this.upload);
    if (wanted && wanted !== sha256) {
      throw differs('SHA256_DIFFERS', 'does not match the SHA-256 of the upload. Delete the upload and start again.');
    }
    const answer = await this.em.transactional(
      async (em) => {
        await holdRecord(em, recordNamed(this.upload.record, 'id'));
        const upload = await this.#locked(em, size);
        await lockContents(em);
        const contentId = await this.#keepContent(em, sha256, size);
        const { tenantId, id, record, recordTable, createdBy } = upload;
        const now = new Date();
        const file = em.create(File, {
          ...(await storedPersonal(id, { name, sha256 })),
          ...{ tenantId, id, record, recordTable, version: 1, createTime: now, updateTime: now },
          ...{ createdBy, updatedBy: createdBy, sizeBytes: size, content: [tenantId, contentId] },
          contentType: sniffContentType(head, upload.contentType ?? undefined),
        });
        // Destroys the key of a failed upload.
        await em.flush();
        em.remove(upload);
        return completeUpload(file);
      },
      { clear: true },
    );
    jobSignal(this.em).wake();
    return answer;
  }

  /** Reads the stored bytes, since other processes may have received parts of them. */
  async #digest(size: number): Promise<{ sha256: string; head: Buffer }> {
    const hash = createHash('sha256');
    let head = Buffer.alloc(0);
    const locate = () => Promise.resolve(this.#bytes);
    for await (const piece of this.files.read(this.em, locate, { from: 0, to: size })) {
      hash.update(piece);
      if (head.length < sniffedBytes) head = Buffer.concat([head, piece.subarray(0, sniffedBytes)]);
    }
    return { sha256: hash.digest('hex'), head: head.subarray(0, sniffedBytes) };
  }

  /**
   * Retains the bytes, or deletes them when the tenant already has the same. Encrypted bytes belong to one file.
   *
   * @returns the content id
   */
  async #keepContent(em: EntityManager, sha256: string, sizeBytes: number): Promise<string> {
    const { id } = this.upload;
    const { tenantId } = currentCaller();
    const isSealed = this.#bytes.key !== undefined;
    const known = isSealed ? null : await em.findOne(FileContent, { tenantId, sha256 }, { disableIdentityMap: true });
    if (known) {
      await this.files.remove(em, id);
      return known.contentId;
    }
    em.create(FileContent, { tenantId, contentId: id, sha256: isSealed ? null : sha256, sizeBytes });
    await em.flush();
    await removeJob(em, id);
    return id;
  }
}

function differs(reason: ViolationCode, description: string): AppError {
  return invalidArgument([{ field: 'content', reason, description }]);
}
