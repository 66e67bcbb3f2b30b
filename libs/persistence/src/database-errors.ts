import { DriverException } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';

/**
 * Whether this transaction conflicted with another and was rolled back whole: 40001 serialization_failure, 40P01
 * deadlock_detected.
 */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

// 08xxx connection exceptions; 28000 and 28P01 the server refuses the credentials of a new connection, as between the
// change of a password and the restart of the process; 53300 too many connections; 57P01 to 57P03 the server stops, has
// crashed or starts; 25006 it has become a standby, so the primary is elsewhere; and socket errors.
const lossCodes =
  /^(08...|28000|28P01|53300|57P0[1-3]|25006|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/;

// pg has no code for these. https://github.com/brianc/node-postgres/blob/master/packages/pg/lib/client.js
const lossMessages =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/;

/**
 * Whether the connection was lost, none was available, or it leads to a server that takes no writes. The outcome of a
 * commit in flight is unknown.
 */
export function isConnectionLoss(error: unknown): boolean {
  return lossCodes.test(codeOf(error)) || (error instanceof Error && lossMessages.test(error.message));
}

/** Whether the server refuses a new connection while open ones work: for its credentials, or because it has too many. */
export function isConnectionRefused(error: unknown): boolean {
  return /^(28000|28P01|53300)$/.test(codeOf(error));
}

/** Whether pg stopped waiting for the answer after `query_timeout`. The server may still run the statement. */
export function isReadTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Query read timeout');
}

/** Whether a statement exceeded the lock timeout, and the transaction was rolled back: 55P03 lock_not_available. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** Whether the server cancelled a statement that exceeded its time limit: 57014 query_canceled. */
export function isStatementTimeout(error: unknown): boolean {
  return codeOf(error) === '57014';
}

/** Whether a volume of the server is full, and the transaction was rolled back: 53100 disk_full. */
export function isStorageFull(error: unknown): boolean {
  return codeOf(error) === '53100';
}

/** Whether a statement violated a unique constraint: 23505 unique_violation. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/** Whether `refuse_unless` ended the transaction of a statement for this reason. */
export function isRefusal(error: unknown, reason: string): boolean {
  return codeOf(error) === 'RP001' && (error as Error).message === reason;
}

/**
 * The AppError with which a connection refused a statement. MikroORM wraps it in an error of another class with the
 * same properties.
 */
export function refusalOf(error: unknown): AppError | undefined {
  if (!(error instanceof DriverException)) return undefined;
  const { code, reason, violations, metadata, retryAfterSeconds } = error as unknown as Partial<AppError>;
  if (code === undefined || reason === undefined) return undefined;
  const details = { violations, metadata, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }), cause: error };
  return new AppError(code, reason, error.message, details);
}

/** Maps database failures that a caller can act on (wait, try again, ask for less). Returns other errors unchanged. */
export function callErrorOf(error: unknown): unknown {
  const refusal = refusalOf(error);
  if (refusal) return refusal;
  if (isConnectionLoss(error)) {
    return new AppError('UNAVAILABLE', 'DATABASE_UNAVAILABLE', 'The database is unreachable. Try again.', {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (isConflict(error) || isLockTimeout(error)) {
    return new AppError('ABORTED', 'CONCURRENT_WRITE', 'The write conflicts with another one. Try again.', {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (isStorageFull(error)) {
    return new AppError(
      'RESOURCE_EXHAUSTED',
      'STORAGE_FULL',
      'The volume of the database is full. Nothing was written.',
      {
        cause: error,
        retryAfterSeconds: 30,
      },
    );
  }
  if (isStatementTimeout(error)) {
    return new AppError(
      'DEADLINE_EXCEEDED',
      'DATABASE_TIMEOUT',
      'The database took too long. Request less, or try again.',
      {
        cause: error,
      },
    );
  }
  return error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
