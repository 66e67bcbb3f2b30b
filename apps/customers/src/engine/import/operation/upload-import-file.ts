import type { EntityManager } from '@mikro-orm/postgresql';
import {
  OperationsServiceService,
  type Operation as OperationMessage,
  type UploadImportFileRequest,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { receiveUpload, uploadInProgress, type StoredPiece, type UploadTarget } from '../../files/receive-upload.js';
import { checkRequest } from '../../values/contract.js';
import type { Operation } from '../../operations/operation.entity.js';
import { findWaiting, storeForWaiting } from '../../operations/waiting-operation.js';
import { currentSeal } from '../../sealing/seal.js';
import { sealMissing } from '../../sealing/sealed-messages.js';
import type { ImportTypes } from '../import-rules.js';
import { ImportFile } from './import-file.js';
import { checkImportQuota } from './import-quota.js';
import { importable } from './mapping-rules.js';

/**
 * Handles UploadImportFile. See `receiveUpload`.
 *
 * @throws AppError PERMISSION_DENIED for a record type that the caller can't write
 * @throws AppError RESOURCE_EXHAUSTED IMPORT_QUOTA
 * @throws AppError ABORTED UPLOAD_IN_PROGRESS when another call stores pieces of the same file
 */
export function uploadImportFile(
  em: EntityManager,
  { types, quotaBytes }: { types: ImportTypes; quotaBytes: number },
  requests: AsyncIterable<UploadImportFileRequest>,
): Promise<OperationMessage> {
  const begin = async (request: UploadImportFileRequest) => {
    checkRequest(OperationsServiceService.uploadImportFile.path, request);
    const operation = await findWaiting(em, waitingImport(request.id));
    importable(types, operation.input.recordType, 'operation');
    return new WaitingImport(em, quotaBytes, operation);
  };
  return receiveUpload(em, { field: 'file', dataOf: ({ file }) => file?.data, begin }, requests);
}

/** The file of a waiting import. The import starts when the file is complete. */
class WaitingImport implements UploadTarget<OperationMessage> {
  readonly receivedBytes: number;
  readonly #id: string;
  readonly #file: ImportFile;

  constructor(
    private readonly em: EntityManager,
    private readonly quotaBytes: number,
    operation: Operation,
  ) {
    this.#id = operation.id;
    this.receivedBytes = operation.receivedBytes;
    this.#file = new ImportFile(em, operation);
  }

  pieceAt(place: number): Promise<StoredPiece | undefined> {
    return this.#file.pieceAt(place);
  }

  store(received: number, data: Buffer, isComplete: boolean): Promise<OperationMessage> {
    return storeForWaiting(this.em, waitingImport(this.#id), isComplete, async (em, operation) => {
      if (operation.receivedBytes !== received) throw uploadInProgress();
      // The call began before the encryption, and the import after it.
      if (operation.sealed && !currentSeal()) throw sealMissing();
      if (data.length > 0) {
        await checkImportQuota(em, this.quotaBytes, received, data.length);
        await this.#file.put(em, { start: received, data });
      }
      operation.receivedBytes = received + data.length;
    });
  }
}

function waitingImport(id: string) {
  return { id, kind: 'IMPORT', noun: 'a file' } as const;
}
