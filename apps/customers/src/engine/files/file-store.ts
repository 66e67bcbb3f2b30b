import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { enqueue } from '../operations/operation-jobs.js';
import type { DataKey } from '../sealing/data-key.js';
import type { StoredPiece } from './receive-upload.js';

/** Stored bytes, and the key that seals them. */
export interface StoredBytes {
  contentId: string;
  /** Absent when they are not sealed. */
  key?: DataKey | undefined;
}

/** Bytes from one place of a file to another, which is not among them. */
export interface ByteRange {
  from: number;
  to: number;
}

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
  async put(em: EntityManager, bytes: StoredBytes, start: number, data: Buffer): Promise<void> {
    await putPiece(em, bytes, start, data);
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

  /**
   * Bytes of a file, a piece at a time.
   *
   * @param locate finds the bytes; called again when they are gone, since an encryption puts sealed ones in their place
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
   * Removes bytes once the transaction of `em` is committed, and the upload of that id: a worker does it in short steps. Bytes that
   * `file_content` names stay. `jobSignal` wakes the worker.
   *
   * @param delaySeconds until they are removed
   */
  async remove(em: EntityManager, contentId: string, delaySeconds = 0): Promise<void> {
    await enqueue(em, { id: contentId, tenantId: currentCaller().tenantId }, delaySeconds);
  }

  #quotaExceeded(): AppError {
    const message = `The files of the tenant may take ${this.quotaBytes} bytes. Delete some files permanently, or uploads that are not complete.`;
    const metadata = { quotaBytes: String(this.quotaBytes) };
    return new AppError('RESOURCE_EXHAUSTED', 'FILE_QUOTA', message, { metadata });
  }
}

/** Stores a piece, whatever the quota, in the transaction of `em`. @param start number of bytes before it */
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

/** The piece that has a byte, open; the last one before it when there is none. Undefined when there is neither. */
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

/** What a sealed piece is bound to, so that no piece takes the place of another. */
function placeOf({ contentId }: StoredBytes, start: number): string {
  return `${contentId} ${start}`;
}

function fileDeleted(): AppError {
  return new AppError('ABORTED', 'FILE_DELETED', 'The file was deleted meanwhile.');
}
