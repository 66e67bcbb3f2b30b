import type { EntityManager } from '@mikro-orm/postgresql';
import {
  OperationsServiceService,
  type Operation as OperationMessage,
  type UploadImportFileRequest,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { receiveUpload, uploadInProgress, type StoredPiece, type UploadTarget } from '../../files/receive-upload.js';
import { checkRequest } from '../../values/contract.js';
import { refuseUnderEncryption } from '../../query/filter/refuse-sealed.js';
import { findWaiting, storeForWaiting } from '../../operations/waiting-operation.js';
import type { ImportTypes } from '../import-rules.js';
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
    refuseUnderEncryption('Files can not be imported as operations');
    const { id } = request;
    const operation = await findWaiting(em, waitingImport(id));
    importable(types, operation.input.recordType, 'operation');
    return new WaitingImport(em, quotaBytes, id, operation.receivedBytes);
  };
  return receiveUpload(em, { field: 'file', dataOf: ({ file }) => file?.data, begin }, requests);
}

/** The file of a waiting import. The import starts when the file is complete. */
class WaitingImport implements UploadTarget<OperationMessage> {
  constructor(
    private readonly em: EntityManager,
    private readonly quotaBytes: number,
    private readonly id: string,
    readonly receivedBytes: number,
  ) {}

  async pieceAt(place: number): Promise<StoredPiece | undefined> {
    const [piece] = await this.em.execute<StoredPiece[]>(
      `select start, data from import_piece where tenant_id = ? and operation_id = ? and start <= ?
       order by start desc limit 1`,
      [currentCaller().tenantId, this.id, place],
    );
    return piece;
  }

  store(received: number, data: Buffer, isComplete: boolean): Promise<OperationMessage> {
    return storeForWaiting(this.em, waitingImport(this.id), isComplete, async (em, operation) => {
      if (operation.receivedBytes !== received) throw uploadInProgress();
      if (data.length > 0) {
        await checkImportQuota(em, this.quotaBytes, received, data.length);
        await transactionPipeline(em, [
          {
            sql: 'insert into import_piece (tenant_id, operation_id, start, data) values ($1, $2, $3, $4)',
            values: [currentCaller().tenantId, this.id, received, data],
          },
        ]);
      }
      operation.receivedBytes = received + data.length;
    });
  }
}

function waitingImport(id: string) {
  return { id, kind: 'IMPORT', noun: 'a file' } as const;
}
