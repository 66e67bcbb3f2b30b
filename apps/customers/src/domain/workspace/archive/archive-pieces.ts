import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { StoredPiece } from '../../../engine/files/receive-upload.js';
import type { Leftovers } from '../../../engine/operations/operation-kind.js';
import { archiveInvalid } from './archive-error.js';

/** The pieces of an archive are deleted when its operation has ended and, for an export, its lifetime has passed. */
export const archiveLeftovers: readonly Leftovers[] = [{ table: 'workspace_piece', limit: 32 }];

/** The stored bytes of an operation's archive, with one piece of it in memory. */
export class ArchivePieces {
  #last: StoredPiece | undefined;

  constructor(
    private readonly em: EntityManager,
    private readonly operationId: string,
    readonly sizeBytes: number,
  ) {}

  /** Stores a piece, in the transaction of `em`. @param start offset of the piece */
  static async put(em: EntityManager, operationId: string, start: number, data: Uint8Array): Promise<void> {
    await transactionPipeline(em, [
      {
        name: 'insert_workspace_piece',
        sql: 'insert into workspace_piece (tenant_id, operation_id, start, data) values ($1, $2, $3, $4)',
        values: [currentCaller().tenantId, operationId, start, data],
      },
    ]);
  }

  /** The piece that contains a byte. */
  static async pieceAt(em: EntityManager, operationId: string, place: number): Promise<StoredPiece | undefined> {
    const [piece] = await queryRows<{ text: string; data: Buffer }>(em, {
      name: 'workspace_piece_at',
      // A bigint arrives as text, which would sort differently.
      sql: `select start::text as text, data from workspace_piece where tenant_id = $1 and operation_id = $2 and start <= $3
        order by start desc limit 1`,
      values: [currentCaller().tenantId, operationId, place],
    });
    return piece && { start: Number(piece.text), data: piece.data };
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
