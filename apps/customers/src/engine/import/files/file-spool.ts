import { randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { forkBeyondScope, queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, callContext, currentCaller, decrypt, encrypt } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { BulkPace } from '../../pace/bulk-pace.js';
import { clearOperation } from '../../operations/clear-operation.js';
import { maxFileBytes } from '../../files/receive-upload.js';
import { checkImportQuota } from '../operation/import-quota.js';
import { importLeftovers } from '../operation/import.entity.js';
import { enqueue, removeJob } from '../../operations/operation-jobs.js';
import { ByteBlocks } from '../../files/byte-blocks.js';
import { fileError } from './file-error.js';

/** Bytes of a file that are held in memory. A smaller file is not stored. */
const memoryBytes = 1_024 * 1_024;

/** Bytes stored per transaction: the longest time that other calls may wait. */
const pieceBytes = 256 * 1_024;

/** Lifetime of a file in seconds, after which a worker assumes that its process has crashed: longer than any call. */
const longestUseSeconds = 2 * 60 * 60;

const logger = new Logger('FileSpool');

/**
 * A complete uploaded file. It is received before its rows are read, so that a slow sender delays no other call:
 * meanwhile it holds no lock, no transaction, and no connection between two pieces. Stored pieces are encrypted with a
 * key that only the memory of this process has: no backup, and nothing that a crash leaves, can be read.
 */
export class FileSpool {
  /** Takes the place of an operation's id. */
  readonly #id = uuidv7();
  readonly #key = randomBytes(32);
  #stored: number[] = [];
  #storedBytes = 0;
  readonly #kept = new ByteBlocks(pieceBytes);

  private constructor(
    private readonly em: EntityManager,
    private readonly quotaBytes: number,
  ) {}

  /** Receives a file, and removes it after its use. @throws AppError RESOURCE_EXHAUSTED IMPORT_QUOTA */
  static async with<Result>(
    em: EntityManager,
    quotaBytes: number,
    pieces: AsyncIterable<Uint8Array>,
    use: (file: FileSpool) => Promise<Result>,
  ): Promise<Result> {
    // The caller's record scope limits the imported records, not the file.
    const file = new FileSpool(forkBeyondScope(em), quotaBytes);
    try {
      for await (const piece of pieces) await file.#add(piece);
      return await use(file);
    } finally {
      await file.#remove();
    }
  }

  /** The bytes of the file. They can be read once. */
  async *pieces(): AsyncGenerator<Uint8Array, void> {
    for (const start of this.#stored) yield await this.#piece(start);
    while (this.#kept.length > 0) yield this.#kept.take();
  }

  async #add(piece: Uint8Array): Promise<void> {
    this.#kept.add(piece);
    while (this.#kept.length > memoryBytes) await this.#store();
  }

  async #store(): Promise<void> {
    const data = this.#kept.take();
    const { tenantId } = currentCaller();
    const start = this.#storedBytes;
    if (start + data.length > maxFileBytes) {
      throw fileError('FILE_TOO_LARGE', `must not be larger than ${maxFileBytes} bytes.`);
    }
    await BulkPace.of(this.em).keep(() =>
      this.em.transactional(async (transaction) => {
        await checkImportQuota(transaction, this.quotaBytes, start, data.length);
        // If this process crashes, a worker removes the file.
        if (start === 0) await enqueue(transaction, { id: this.#id, tenantId }, longestUseSeconds);
        await transactionPipeline(transaction, [
          {
            sql: 'insert into import_piece (tenant_id, operation_id, start, data) values ($1, $2, $3, $4)',
            values: [tenantId, this.#id, start, encrypt(this.#key, data, `${start}`)],
          },
        ]);
      }),
    );
    this.#stored.push(start);
    this.#storedBytes += data.length;
  }

  async #piece(start: number): Promise<Uint8Array> {
    const [piece] = await queryRows<{ data: Buffer }>(this.em, {
      name: 'spooled_piece',
      sql: 'select data from import_piece where tenant_id = $1 and operation_id = $2 and start = $3',
      values: [currentCaller().tenantId, this.#id, start],
    });
    if (piece) return decrypt(this.#key, piece.data, `${start}`);
    // Removed while in use: encrypting the personal data of a tenant removes all its files.
    throw new AppError('ABORTED', 'IMPORT_CONFLICT', 'The file was removed meanwhile. Repeat the import.');
  }

  async #remove(): Promise<void> {
    if (this.#storedBytes === 0) return;
    // Also when the client has gone.
    const { gone: _, ...call } = callContext.getStore() ?? { requestId: this.#id, caller: currentCaller() };
    const job = { tenantId: currentCaller().tenantId, operationId: this.#id };
    try {
      await callContext.run(call, async () => {
        await clearOperation(this.em, importLeftovers, job, new AbortController().signal);
        await removeJob(this.em, this.#id);
      });
    } catch (error) {
      logger.warn('A file could not be removed. A worker will retry.', error);
    }
  }
}
