import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import type { Operation } from '../../operations/operation.entity.js';

/** Chunk size for readers: the precision of `bytesRead`. */
const sliceBytes = 64 * 1024;

/** The uploaded file of an import, with one piece in memory at a time. */
export class ImportFile {
  /** Bytes read so far. */
  bytesRead = 0;

  constructor(
    private readonly em: EntityManager,
    private readonly operation: Operation,
  ) {}

  async *pieces(): AsyncGenerator<Uint8Array> {
    while (this.bytesRead < this.operation.receivedBytes) {
      const piece = await this.#piece(this.bytesRead);
      for (let start = 0; start < piece.length; start += sliceBytes) {
        const slice = piece.subarray(start, start + sliceBytes);
        this.bytesRead += slice.length;
        yield slice;
      }
    }
  }

  async #piece(start: number): Promise<Buffer> {
    const { tenantId, id } = this.operation;
    const [piece] = await queryRows<{ data: Buffer }>(this.em, {
      sql: 'select data from import_piece where tenant_id = $1 and operation_id = $2 and start = $3',
      values: [tenantId, id, start],
    });
    if (!piece) throw new Error(`The file of operation ${id} has no piece at byte ${start}.`);
    return piece.data;
  }
}
