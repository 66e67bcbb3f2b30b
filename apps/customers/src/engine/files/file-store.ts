import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { enqueue } from '../operations/operation-jobs.js';
import type { StoredPiece } from './receive-upload.js';

/**
 * The bytes of files, in PostgreSQL. All that stores or reads them calls this class, so that one of an object store can take its place.
 * Bytes are in pieces that a content id names; each method has one piece in memory.
 */
export class FileStore {
  /** @param quotaBytes most bytes of a tenant */
  constructor(readonly quotaBytes: number) {}

  /**
   * Stores a piece, in the transaction of `em`.
   *
   * @param start number of bytes before it
   * @throws AppError RESOURCE_EXHAUSTED FILE_QUOTA
   */
  async put(em: EntityManager, contentId: string, start: number, data: Uint8Array): Promise<void> {
    const { tenantId } = currentCaller();
    const insert = {
      name: 'insert_file_piece',
      sql: 'insert into file_piece (tenant_id, content_id, start, data) values ($1, $2, $3, $4)',
      values: [tenantId, contentId, start, data],
    };
    await transactionPipeline(em, [insert]);
    // The insert has counted its bytes, and keeps other transactions from counting theirs until this one ends.
    if ((await this.usedBytes(em)) > this.quotaBytes) throw this.#quotaExceeded();
  }

  /** @throws AppError RESOURCE_EXHAUSTED FILE_QUOTA when a tenant has no room for as many bytes now */
  async checkRoom(em: EntityManager, bytes: number): Promise<void> {
    if ((await this.usedBytes(em)) + bytes > this.quotaBytes) throw this.#quotaExceeded();
  }

  /** Bytes of the caller's tenant, those of uploads and of files that are being removed included. */
  async usedBytes(em: EntityManager): Promise<number> {
    const [usage] = await queryRows<{ bytes: string }>(em, {
      name: 'file_usage',
      sql: 'select bytes::text from file_usage where tenant_id = $1',
      values: [currentCaller().tenantId],
    });
    return Number(usage?.bytes ?? 0);
  }

  /** The piece that has a byte. */
  async pieceAt(em: EntityManager, contentId: string, place: number): Promise<StoredPiece | undefined> {
    const [piece] = await queryRows<StoredPiece>(em, {
      name: 'file_piece_at',
      sql: `select start, data from file_piece where tenant_id = $1 and content_id = $2 and start <= $3
        order by start desc limit 1`,
      values: [currentCaller().tenantId, contentId, place],
    });
    return piece;
  }

  /** All bytes, a piece at a time. @throws AppError ABORTED FILE_DELETED when they are removed meanwhile */
  async *read(em: EntityManager, contentId: string, sizeBytes: number): AsyncGenerator<Buffer, void> {
    for (let place = 0; place < sizeBytes;) {
      const piece = await this.pieceAt(em, contentId, place);
      if (piece?.start !== place) throw new AppError('ABORTED', 'FILE_DELETED', 'The file was deleted meanwhile.');
      yield piece.data;
      place += piece.data.length;
    }
  }

  /**
   * Removes bytes once the transaction of `em` is committed, and the upload of that id: a worker does it in short steps. Bytes that
   * `file_content` names stay. `jobSignal` wakes the worker.
   *
   * @param delaySeconds until they are removed
   */
  async remove(em: EntityManager, contentId: string, delaySeconds = 0): Promise<void> {
    await enqueue(em, { id: contentId, tenantId: currentCaller().tenantId }, delaySeconds);
  }

  #quotaExceeded(): AppError {
    const message = `The files of the tenant may take ${this.quotaBytes} bytes. Delete some files, or uploads that are not complete.`;
    const metadata = { quotaBytes: String(this.quotaBytes) };
    return new AppError('RESOURCE_EXHAUSTED', 'FILE_QUOTA', message, { metadata });
  }
}
