import { readPageToken, signPageToken } from '@rapport/persistence';
import { AppError } from '@rapport/platform';

/** Where a reader is. */
export interface Place {
  /** Changes whenever the log's history does. */
  epoch: string;
  /** All changes up to it are read. */
  position: number;
}

/** The opaque, signed cursors of readers with one filter. */
export class ChangeCursors {
  /**
   * @param key 32 bytes
   * @param binding what a cursor is good for: tenant and filter
   */
  constructor(
    private readonly key: Buffer,
    private readonly binding: string,
  ) {}

  write({ epoch, position }: Place): string {
    return signPageToken(this.key, this.binding, [epoch, String(position)]);
  }

  /** @throws AppError INVALID_ARGUMENT when it is no cursor of this tenant and filter */
  read(cursor: string, field = 'cursor'): Place {
    const [epoch, position] = readPageToken(this.key, this.binding, cursor, {
      field,
      reason: 'CURSOR_INVALID',
      description: 'must be a cursor that was given for the same types and fields',
    });
    return { epoch: epoch ?? '', position: Number(position) };
  }

  /** @param oldest where the log begins */
  expired(oldest: Place): AppError {
    return new AppError(
      'FAILED_PRECONDITION',
      'CURSOR_EXPIRED',
      'Changes after this cursor are no longer kept, or the log was restored from a backup. GET /v1/customers:snapshot ' +
        'gives every customer and the cursor to go on from; oldestCursor is where the log begins.',
      { metadata: { oldestCursor: this.write(oldest) } },
    );
  }
}
