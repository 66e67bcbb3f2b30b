import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { enqueue } from '../operations/operation-jobs.js';
import type { DataKey } from '../sealing/data-key.js';
import type { StoredPiece } from './receive-upload.js';

/** Stored bytes, and the key that encrypts them. */
export interface StoredBytes {
  contentId: string;
  /** Absent for unencrypted bytes. */
  key?: DataKey | undefined;
}

/** A range of bytes of a file, with an exclusive end. */
export interface ByteRange {
  from: number;
  to: number;
}

/**
 * The bytes of files, in PostgreSQL. All code that stores or reads them uses this class, so that an object store can
 * replace it. Bytes are stored in pieces under a content id; each method holds one piece in memory.
 */
export class FileStore {
  /** @param quotaBytes most bytes of a tenant */
  constructor(readonly quotaBytes: number) {}

  /**
   * Stores a piece, in the transaction of `em`.
   *
   * @param start offset of the piece
   * @throws AppError RESOURCE_EXHAUSTED FILE_QUOTA
   */
  async put(em: EntityManager, bytes: StoredBytes, start: number, data: Buffer): Promise<void> {
    await putPiece(em, bytes, start, data);
    // The insert has counted its bytes and locks the tenant's counter until this transaction ends.
    if ((await this.usedBytes(em)) > this.quotaBytes) throw this.#quotaExceeded();
  }

  /** @throws AppError RESOURCE_EXHAUSTED FILE_QUOTA when these bytes would exceed the tenant's quota */
  async checkRoom(em: EntityManager, bytes: number): Promise<void> {
    if ((await this.usedBytes(em)) + bytes > this.quotaBytes) throw this.#quotaExceeded();
  }

  /** Bytes of the caller's tenant, including uploads and files that are being removed. */
  async usedBytes(em: EntityManager): Promise<number> {
    const [usage] = await queryRows<{ bytes: string }>(em, {
      name: 'file_usage',
      sql: 'select bytes::text from file_usage where tenant_id = $1',
      values: [currentCaller().tenantId],
    });
    return Number(usage?.bytes ?? 0);
  }

  /**
   * Reads the bytes of a file, one piece at a time.
   *
   * @param locate finds the bytes; called again when they are gone, since an encryption replaces them by an encrypted
   *   copy
   * @throws AppError ABORTED FILE_DELETED when they are removed meanwhile
   */
  async *read(
    em: EntityManager,
    locate: () => Promise<StoredBytes | undefined>,
    { from, to }: ByteRange,
  ): AsyncGenerator<Buffer, void> {
    let bytes = await locate();
    for (let place = from; place < to;) {
      const piece = bytes && (await pieceAt(em, bytes, place));
      if (!piece || piece.start + piece.data.length <= place) {
        const moved = await locate();
        if (!moved || moved.contentId === bytes?.contentId) throw fileDeleted();
        bytes = moved;
        continue;
      }
      const data = piece.data.subarray(place - piece.start, to - piece.start);
      yield data;
      place += data.length;
    }
  }

  /**
   * Schedules the removal of bytes after the transaction of `em` commits, and of the upload with that id: a worker does
   * it in short steps. Bytes referenced by `file_content` stay. `jobSignal` wakes the worker.
   *
   * @param delaySeconds until they are removed
   */
  async remove(em: EntityManager, contentId: string, delaySeconds = 0): Promise<void> {
    await enqueue(em, { id: contentId, tenantId: currentCaller().tenantId }, delaySeconds);
  }

  #quotaExceeded(): AppError {
    const message = `The tenant's file quota is ${this.quotaBytes} bytes. Delete some files permanently, or incomplete uploads.`;
    const metadata = { quotaBytes: String(this.quotaBytes) };
    return new AppError('RESOURCE_EXHAUSTED', 'FILE_QUOTA', message, { metadata });
  }
}

/** Stores a piece without checking the quota, in the transaction of `em`. @param start offset of the piece */
export async function putPiece(em: EntityManager, bytes: StoredBytes, start: number, data: Buffer): Promise<void> {
  const { contentId, key } = bytes;
  const insert = {
    name: 'insert_file_piece',
    sql: 'insert into file_piece (tenant_id, content_id, start, data, sealed) values ($1, $2, $3, $4, $5)',
    values: [
      ...[currentCaller().tenantId, contentId, start],
      ...(key ? [key.sealBytes(data, placeOf(bytes, start)), true] : [data, false]),
    ],
  };
  await transactionPipeline(em, [insert]);
}

/** The decrypted piece that contains an offset, or else the last one before it; undefined without either. */
export async function pieceAt(em: EntityManager, bytes: StoredBytes, place: number): Promise<StoredPiece | undefined> {
  const [piece] = await queryRows<StoredPiece & { sealed: boolean }>(em, {
    name: 'file_piece_at',
    sql: `select start, data, sealed from file_piece where tenant_id = $1 and content_id = $2 and start <= $3
      order by start desc limit 1`,
    values: [currentCaller().tenantId, bytes.contentId, place],
  });
  if (!piece) return undefined;
  const { start, data, sealed } = piece;
  if (!sealed) return { start, data };
  if (!bytes.key) throw fileDeleted();
  return { start, data: bytes.key.openBytes(data, placeOf(bytes, start)) };
}

/** Additional authenticated data of an encrypted piece, so that pieces can't be exchanged. */
function placeOf({ contentId }: StoredBytes, start: number): string {
  return `${contentId} ${start}`;
}

function fileDeleted(): AppError {
  return new AppError('ABORTED', 'FILE_DELETED', 'The file was deleted meanwhile.');
}
