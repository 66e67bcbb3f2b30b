import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { StoredPiece } from '../../../engine/files/receive-upload.js';
import type { Leftovers } from '../../../engine/operations/operation-kind.js';
import { ownKey, type OwnKey } from '../../../engine/sealing/own-key.js';
import { archiveErased, archiveInvalid } from './archive-error.js';

/** The pieces of an archive are deleted when its operation has ended and, for an export, its lifetime has passed. */
export const archiveLeftovers: readonly Leftovers[] = [{ table: 'workspace_piece', limit: 32 }];

/** The key of a stored archive. @throws AppError FAILED_PRECONDITION ARCHIVE_ERASED when it was destroyed */
async function archiveKey(subject: string): Promise<OwnKey> {
  const key = await ownKey(subject);
  if (!key) throw archiveErased();
  return key;
}

/** The stored bytes of an operation's archive, with one piece of it in memory. */
export class ArchivePieces {
  #last: StoredPiece | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly operationId: string,
    readonly sizeBytes: number,
  ) {}

  /**
   * Stores a piece, in the transaction of `em`.
   *
   * @param start offset of the piece
   * @param key undefined for a workspace that is not encrypted
   */
  static async put(
    em: EntityManager,
    operationId: string,
    { start, data }: StoredPiece,
    key: OwnKey | undefined,
  ): Promise<void> {
    const stored = key ? key.key.sealBytes(data, placeOf(operationId, start)) : data;
    await transactionPipeline(em, [
      {
        name: 'insert_workspace_piece',
        sql: 'insert into workspace_piece (tenant_id, operation_id, start, data, key_subject) values ($1, $2, $3, $4, $5)',
        values: [currentCaller().tenantId, operationId, start, stored, key?.subject ?? null],
      },
    ]);
  }

  /**
   * The piece that contains a byte.
   *
   * @throws AppError FAILED_PRECONDITION ARCHIVE_ERASED when its key was destroyed
   */
  static async pieceAt(em: EntityManager, operationId: string, place: number): Promise<StoredPiece | undefined> {
    const [piece] = await queryRows<{ text: string; data: Buffer; keySubject: string | null }>(em, {
      name: 'workspace_piece_at',
      // A bigint arrives as text, which would sort differently.
      sql: `select start::text as text, data, key_subject as "keySubject" from workspace_piece
        where tenant_id = $1 and operation_id = $2 and start <= $3 order by start desc limit 1`,
      values: [currentCaller().tenantId, operationId, place],
    });
    if (!piece) return undefined;
    const { data, keySubject } = piece;
    const start = Number(piece.text);
    if (keySubject === null) return { start, data };
    const { key } = await archiveKey(keySubject);
    return { start, data: key.openBytes(data, placeOf(operationId, start)) };
  }

  /** The key of stored pieces, which all have one; undefined for plain pieces. */
  static async keyOf(em: EntityManager, operationId: string): Promise<OwnKey | undefined> {
    const subject = await ArchivePieces.keySubjectOf(em, operationId);
    return subject === undefined ? undefined : archiveKey(subject);
  }

  /** The subject of the key of stored pieces; undefined for plain pieces. */
  static async keySubjectOf(em: EntityManager, operationId: string): Promise<string | undefined> {
    const [piece] = await queryRows<{ subject: string | null }>(em, {
      name: 'workspace_piece_key',
      sql: 'select key_subject as subject from workspace_piece where tenant_id = $1 and operation_id = $2 limit 1',
      values: [currentCaller().tenantId, operationId],
    });
    return piece?.subject ?? undefined;
  }

  /**
   * A range of bytes.
   *
   * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID when the archive ends before them
   */
  async *read(start: number, length: number): AsyncGenerator<Buffer, void> {
    if (start + length > this.sizeBytes) throw archiveInvalid('It ends early: the upload is not complete.');
    for (let place = start; place < start + length;) {
      const piece = await this.#pieceOf(place);
      const data = piece.data.subarray(place - piece.start).subarray(0, start + length - place);
      yield data;
      place += data.length;
    }
  }

  /** A range of bytes that fits into memory. */
  async bytes(start: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.read(start, length)) parts.push(part);
    return Buffer.concat(parts);
  }

  async #pieceOf(place: number): Promise<StoredPiece> {
    const last = this.#last;
    if (last && last.start <= place && place < last.start + last.data.length) return last;
    const piece = await ArchivePieces.pieceAt(this.em, this.operationId, place);
    if (!piece || place >= piece.start + piece.data.length) {
      throw new Error(`The archive of operation ${this.operationId} has no byte ${place}.`);
    }
    return (this.#last = piece);
  }
}

/** Additional authenticated data of an encrypted piece, so that pieces can't be exchanged. */
function placeOf(operationId: string, start: number): string {
  return `${operationId} ${start}`;
}
