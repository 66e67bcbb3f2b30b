import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type { StoredPiece } from '../../files/receive-upload.js';
import type { Operation } from '../../operations/operation.entity.js';
import { newOwnKey, ownKey, type OwnKey } from '../../sealing/own-key.js';

/** Chunk size for readers: the precision of `bytesRead`. */
const sliceBytes = 64 * 1024;

/**
 * The uploaded file of an import, with one piece in memory at a time. That of an encrypted workspace is encrypted with a
 * key of its own, which a trigger destroys when a piece is deleted.
 */
export class ImportFile {
  /** Bytes read so far. */
  bytesRead = 0;
  #key: OwnKey | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly operation: Pick<Operation, 'tenantId' | 'id' | 'receivedBytes' | 'sealed'>,
  ) {}

  /** Stores a piece, in the transaction of `em`. */
  async put(em: EntityManager, { start, data }: StoredPiece): Promise<void> {
    const { tenantId, id, sealed } = this.operation;
    if (sealed) this.#key ??= start === 0 ? await newOwnKey() : await this.#storedKey(em);
    const stored = this.#key ? this.#key.key.sealBytes(data, this.#placeOf(start)) : data;
    await transactionPipeline(em, [
      {
        sql: 'insert into import_piece (tenant_id, operation_id, start, data, key_subject) values ($1, $2, $3, $4, $5)',
        values: [tenantId, id, start, stored, this.#key?.subject ?? null],
      },
    ]);
  }

  /** The piece that contains a byte, or else the last one before it. @throws AppError IMPORT_ERASED */
  async pieceAt(place: number): Promise<StoredPiece | undefined> {
    const { tenantId, id } = this.operation;
    const [piece] = await queryRows<StoredPiece & { keySubject: string | null }>(this.em, {
      name: 'import_piece_at',
      sql: `select start, data, key_subject as "keySubject" from import_piece
        where tenant_id = $1 and operation_id = $2 and start <= $3 order by start desc limit 1`,
      values: [tenantId, id, place],
    });
    if (!piece) return undefined;
    const { start, data, keySubject } = piece;
    if (keySubject === null) return { start, data };
    const { key } = await this.#keyOf(keySubject);
    return { start, data: key.openBytes(data, this.#placeOf(start)) };
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const { id, receivedBytes } = this.operation;
    while (this.bytesRead < receivedBytes) {
      const piece = await this.pieceAt(this.bytesRead);
      if (piece?.start !== this.bytesRead) {
        throw new Error(`The file of operation ${id} has no piece at byte ${this.bytesRead}.`);
      }
      for (let start = 0; start < piece.data.length; start += sliceBytes) {
        const slice = piece.data.subarray(start, start + sliceBytes);
        this.bytesRead += slice.length;
        yield slice;
      }
    }
  }

  /** The subject of the key that encrypts the file; undefined for a plain or empty file. */
  async keySubject(em = this.em): Promise<string | undefined> {
    const { tenantId, id } = this.operation;
    const [piece] = await queryRows<{ subject: string | null }>(em, {
      name: 'import_piece_key',
      sql: 'select key_subject as subject from import_piece where tenant_id = $1 and operation_id = $2 limit 1',
      values: [tenantId, id],
    });
    return piece?.subject ?? undefined;
  }

  async #storedKey(em: EntityManager): Promise<OwnKey | undefined> {
    const subject = await this.keySubject(em);
    return subject === undefined ? undefined : this.#keyOf(subject);
  }

  async #keyOf(subject: string): Promise<OwnKey> {
    if (this.#key?.subject === subject) return this.#key;
    const key = await ownKey(subject);
    if (!key) throw importErased();
    return (this.#key = key);
  }

  /** Additional authenticated data of an encrypted piece, so that pieces can't be exchanged. */
  #placeOf(start: number): string {
    return `${this.operation.id} ${start}`;
  }
}

/** FAILED_PRECONDITION IMPORT_ERASED. */
export function importErased(): AppError {
  const message =
    'An erasure of personal data meanwhile destroyed the stored file. Import it again, without the person.';
  return new AppError('FAILED_PRECONDITION', 'IMPORT_ERASED', message);
}
