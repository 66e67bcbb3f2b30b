import type { EntityManager } from '@mikro-orm/postgresql';
import type { Operation as OperationMessage } from '@rapport/contracts/rapport/customers/v1/operations_service';
import {
  WorkspaceServiceService,
  type UploadWorkspaceArchiveRequest,
} from '@rapport/contracts/rapport/work/v1/workspace_service';
import { invalidArgument } from '@rapport/platform';
import type { FileStore } from '../../engine/files/file-store.js';
import {
  maxFileBytes,
  receiveUpload,
  uploadInProgress,
  type StoredPiece,
  type UploadTarget,
} from '../../engine/files/receive-upload.js';
import type { Operation } from '../../engine/operations/operation.entity.js';
import { findWaiting, storeForWaiting } from '../../engine/operations/waiting-operation.js';
import { newOwnKey } from '../../engine/sealing/own-key.js';
import { checkRequest } from '../../engine/values/contract.js';
import { ArchivePieces } from './archive/archive-pieces.js';
import type { ImportProgress } from './import-progress.js';

/** Room for the lines of an archive, in addition to the tenant's file quota. */
const lineBytes = 4 * 1_024 ** 3;

/** Handles UploadWorkspaceArchive. See `receiveUpload`. */
export function uploadArchive(
  em: EntityManager,
  files: FileStore,
  requests: AsyncIterable<UploadWorkspaceArchiveRequest>,
): Promise<OperationMessage> {
  const begin = async (request: UploadWorkspaceArchiveRequest) => {
    checkRequest(WorkspaceServiceService.uploadWorkspaceArchive.path, request);
    if (!Number.isSafeInteger(request.offset ?? 0)) {
      throw invalidArgument([{ field: 'offset', reason: 'BAD_FORMAT', description: 'must be a whole number.' }]);
    }
    const operation = await findWaiting(em, waitingImport(request.id));
    return new WaitingImport(em, operation, files.quotaBytes + lineBytes);
  };
  return receiveUpload(em, { field: 'archive', dataOf: ({ archive }) => archive?.data, begin }, requests);
}

/** The archive of a waiting import. The import starts when the archive is complete. */
class WaitingImport implements UploadTarget<OperationMessage> {
  readonly receivedBytes: number;
  readonly #id: string;

  constructor(
    private readonly em: EntityManager,
    operation: Operation,
    readonly maxBytes: number,
  ) {
    this.#id = operation.id;
    this.receivedBytes = (operation.rules as ImportProgress).sizeBytes;
  }

  pieceAt(place: number) {
    return ArchivePieces.pieceAt(this.em, this.#id, place);
  }

  store(received: number, data: Buffer, isComplete: boolean): Promise<OperationMessage> {
    return storeForWaiting(this.em, waitingImport(this.#id), isComplete, async (em, operation) => {
      const { sizeBytes } = operation.rules as ImportProgress;
      if (sizeBytes !== received) throw uploadInProgress();
      if (data.length > 0) await this.#put(em, { start: received, data });
      const rules: ImportProgress = { sizeBytes: received + data.length };
      operation.rules = rules;
      operation.receivedBytes = Math.min(rules.sizeBytes, maxFileBytes);
    });
  }

  async #put(em: EntityManager, piece: StoredPiece): Promise<void> {
    const key = piece.start === 0 ? await newOwnKey() : await ArchivePieces.keyOf(em, this.#id);
    await ArchivePieces.put(em, this.#id, piece, key);
  }
}

function waitingImport(id: string) {
  return { id, kind: 'WORKSPACE_IMPORT', noun: 'an archive' } as const;
}
