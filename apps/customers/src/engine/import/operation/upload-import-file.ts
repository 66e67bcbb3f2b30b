import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import {
  OperationsServiceService,
  type Operation as OperationMessage,
  type UploadImportFileRequest,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { BulkPace } from '../../pace/bulk-pace.js';
import { checkRequest } from '../../values/contract.js';
import { ByteBlocks } from '../files/byte-blocks.js';
import { fileError } from '../files/file-error.js';
import { refuseUnderEncryption } from '../../query/filter/refuse-sealed.js';
import { enqueue, jobSignal } from '../../operations/operation-jobs.js';
import { found, operationMessage } from '../../operations/operation-message.js';
import { Operation } from '../../operations/operation.entity.js';
import { checkImportQuota, maxFileBytes } from './import-quota.js';

/** Bytes that are stored together: what an upload holds in memory, and what other calls may have to wait for. */
const pieceBytes = 256 * 1024;

/**
 * Answers UploadImportFile. Each piece of the file is stored in a transaction of its own, none of which waits for the
 * client; what has arrived when the call breaks off is stored as well.
 *
 * @throws AppError INVALID_ARGUMENT when the call repeats other bytes than those that are stored
 * @throws AppError RESOURCE_EXHAUSTED IMPORT_QUOTA
 * @throws AppError ABORTED UPLOAD_IN_PROGRESS when another call stores pieces of the same file
 */
export async function uploadImportFile(
  em: EntityManager,
  quotaBytes: number,
  requests: AsyncIterable<UploadImportFileRequest>,
): Promise<OperationMessage> {
  let upload: Upload | undefined;
  let isWhole = false;
  try {
    for await (const request of requests) {
      if (!upload) {
        checkRequest(OperationsServiceService.uploadImportFile.path, request);
        upload = await Upload.begin(em, quotaBytes, request);
      } else if (!request.file?.data.length) isWhole = true;
      if (isWhole) break;
      await upload.add(request.file?.data ?? new Uint8Array());
    }
  } catch (error) {
    if (!isBrokenOff(error)) throw error;
  }
  if (!upload) throw fileError('REQUIRED', 'is required.');
  // A call that was cancelled, or whose sender died, may look like one that ended.
  if (isWhole) return upload.finish();
  await upload.store();
  throw new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The upload broke off. Go on from receivedBytes.');
}

class Upload {
  /** The stored piece that repeated bytes were last compared with. */
  #repeatedPiece: StoredPiece | undefined;
  readonly #pending = new ByteBlocks(pieceBytes);

  private constructor(
    private readonly em: EntityManager,
    private readonly quotaBytes: number,
    private readonly id: string,
    private readonly complete: boolean,
    /** Bytes that are stored. */
    private received: number,
    /** Bytes of the call that are stored already. */
    private repeated: number,
  ) {}

  static async begin(
    em: EntityManager,
    quotaBytes: number,
    { id, offset = 0, complete = true }: UploadImportFileRequest,
  ): Promise<Upload> {
    refuseUnderEncryption('Files can not be imported');
    const { tenantId } = currentCaller();
    const operation = waiting(await em.findOne(Operation, { tenantId, id }, { disableIdentityMap: true }));
    const { receivedBytes } = operation;
    if (offset <= receivedBytes) return new Upload(em, quotaBytes, id, complete, receivedBytes, receivedBytes - offset);
    const description = `must not be beyond the ${receivedBytes} bytes that have arrived.`;
    throw invalidArgument([{ field: 'offset', reason: 'OFFSET_BEYOND_RECEIVED', description }]);
  }

  async add(data: Uint8Array): Promise<void> {
    const fresh = data.subarray(Math.min(this.repeated, data.length));
    await this.#repeat(data.subarray(0, data.length - fresh.length));
    if (fresh.length === 0) return;
    this.#pending.add(fresh);
    while (this.#pending.length >= pieceBytes) await this.store();
  }

  /** Stores the next piece of what has come. */
  async store(): Promise<OperationMessage> {
    const pace = BulkPace.of(this.em);
    return pace.keep(() => this.#write(() => Promise.resolve()));
  }

  /** Stores the last piece, and lets the import begin unless more is to come. */
  async finish(): Promise<OperationMessage> {
    if (this.complete && this.repeated > 0) {
      throw fileDiffers(`the call ends ${this.repeated} bytes before the last that has arrived.`);
    }
    const answer = await this.#write(async (em, operation) => {
      if (!this.complete) return;
      operation.state = 'RUNNING';
      await enqueue(em, operation);
    });
    jobSignal(this.em).wake();
    return answer;
  }

  /** Checks that bytes which the call repeats are those that are stored, which never change. */
  async #repeat(data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length;) {
      const piece = await this.#pieceAt(this.received - this.repeated);
      const stored = piece.data.subarray(this.received - this.repeated - piece.start).subarray(0, data.length - done);
      if (!stored.equals(data.subarray(done, done + stored.length))) {
        throw fileDiffers('the bytes that it repeats are not those that have arrived.');
      }
      done += stored.length;
      this.repeated -= stored.length;
    }
  }

  async #pieceAt(place: number): Promise<StoredPiece> {
    const last = this.#repeatedPiece;
    if (last && last.start <= place && place < last.start + last.data.length) return last;
    const [piece] = await this.em.execute<StoredPiece[]>(
      `select start, data from import_piece where tenant_id = ? and operation_id = ? and start <= ?
       order by start desc limit 1`,
      [currentCaller().tenantId, this.id, place],
    );
    // Another call has let the import begin, which may have ended by now.
    if (!piece || place >= piece.start + piece.data.length) throw inProgress();
    return (this.#repeatedPiece = piece);
  }

  async #write(andThen: (em: EntityManager, operation: Operation) => Promise<void>): Promise<OperationMessage> {
    const data = this.#pending.take();
    const { tenantId } = currentCaller();
    const received = this.received + data.length;
    if (received > maxFileBytes) throw fileError('FILE_TOO_LARGE', `must not be larger than ${maxFileBytes} bytes.`);
    const answer = await this.em.transactional(
      async (em) => {
        const lock = { lockMode: LockMode.PESSIMISTIC_WRITE };
        const operation = waiting(await em.findOne(Operation, { tenantId, id: this.id }, lock));
        if (operation.receivedBytes !== this.received) throw inProgress();
        if (data.length > 0) {
          await checkImportQuota(em, this.quotaBytes, this.received, data.length);
          await transactionPipeline(em, [
            {
              sql: 'insert into import_piece (tenant_id, operation_id, start, data) values ($1, $2, $3, $4)',
              values: [tenantId, this.id, this.received, data],
            },
          ]);
        }
        operation.receivedBytes = received;
        await andThen(em, operation);
        return operationMessage(operation);
      },
      { clear: true },
    );
    this.received = received;
    return answer;
  }
}

/** A part of the file, from byte `start` on. */
interface StoredPiece {
  start: number;
  data: Buffer;
}

function waiting(operation: Operation | null): Operation {
  const { state } = found(operation);
  if (operation?.state === 'WAITING') return operation;
  throw new AppError('FAILED_PRECONDITION', 'OPERATION_NOT_WAITING', 'The operation does not wait for a file.', {
    metadata: { state },
  });
}

function fileDiffers(why: string): AppError {
  const description = `does not fit: ${why} Is it another file?`;
  return invalidArgument([{ field: 'offset', reason: 'FILE_DIFFERS', description }]);
}

function inProgress(): AppError {
  const message = 'Another upload of this file is running.';
  return new AppError('ABORTED', 'UPLOAD_IN_PROGRESS', message, { retryAfterSeconds: 1 });
}

function isBrokenOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
