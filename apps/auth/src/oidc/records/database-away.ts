import { callErrorOf } from '@rapport/persistence';
import { AppError } from '@rapport/platform';

/** Answers 503 with Retry-After: Koa and the OpenID provider read these properties of an error. */
export class DatabaseAway extends Error {
  readonly statusCode = 503;
  readonly headers: Record<string, string>;

  constructor(cause: AppError) {
    super(cause.message, { cause });
    this.headers = { 'retry-after': String(cause.retryAfterSeconds ?? 1) };
  }
}

/** A failure of the database that passes, such as a full volume; other errors unchanged. */
export function awayError(error: unknown): unknown {
  if (error instanceof DatabaseAway || error instanceof AppError) return error;
  const failure = callErrorOf(error);
  return failure instanceof AppError ? new DatabaseAway(failure) : error;
}
