import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError } from '@rapport/platform';

/** The position of a reader. */
export interface LogPosition {
  /** Changes when the log's history does, for example after a restore. */
  epoch: string;
  /** All changes up to it have been read. */
  position: number;
}

/** The opaque, signed cursors of readers with one filter. */
export class ChangeCursors {
  /** @param binding of a cursor: tenant and filter */
  constructor(
    private readonly key: PageTokenKey,
    private readonly binding: string,
  ) {}

  write({ epoch, position }: LogPosition): string {
    return signPageToken(this.key, this.binding, [epoch, String(position)]);
  }

  /** @throws AppError INVALID_ARGUMENT unless it is a cursor of this tenant and filter */
  read(cursor: string, field = 'cursor'): LogPosition {
    const [epoch, position] = readPageToken(this.key, this.binding, cursor, {
      field,
      reason: 'CURSOR_INVALID',
      description: 'must be a cursor from a request with the same types and fields',
    });
    return { epoch: epoch ?? '', position: Number(position) };
  }

  /** @param oldest start of the log */
  expired(oldest: LogPosition): AppError {
    return new AppError(
      'FAILED_PRECONDITION',
      'CURSOR_EXPIRED',
      'Changes after this cursor have expired, or the log was restored from a backup. GET /v1/customers:snapshot ' +
        'returns every customer and the cursor to continue from; oldestCursor is the start of the log.',
      { metadata: { oldestCursor: this.write(oldest) } },
    );
  }
}
