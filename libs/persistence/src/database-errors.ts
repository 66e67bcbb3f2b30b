import { DriverException } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';

/**
 * Whether two transactions were in each other's way and this one was rolled back whole: 40001 serialization_failure,
 * 40P01 deadlock_detected.
 */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

// 08xxx connection exceptions; 53300 the server has no connection left; 57P01 to 57P03 it is stopping, has crashed or is starting;
// 25006 it has become a standby, so that the primary is elsewhere by now; and what sockets say.
const lossCodes =
  /^(08...|53300|57P0[1-3]|25006|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/;

// pg gives these no code. https://github.com/brianc/node-postgres/blob/master/packages/pg/lib/client.js
const lossMessages =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/;

/**
 * Whether the connection was lost, there was none to be had, or it leads to a server that takes no writes. A commit that was on
 * its way may have been done.
 */
export function isConnectionLoss(error: unknown): boolean {
  return lossCodes.test(codeOf(error)) || (error instanceof Error && lossMessages.test(error.message));
}

/** Whether a statement waited longer for a lock than it may, and the transaction was rolled back: 55P03 lock_not_available. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** Whether the server ended a statement that took longer than it may: 57014 query_canceled. */
export function isStatementTimeout(error: unknown): boolean {
  return codeOf(error) === '57014';
}

/** Whether a statement would have given a second row what only one may have: 23505 unique_violation. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

/** Whether a statement has ended its transaction by `refuse_unless` for the reason. */
export function isRefusal(error: unknown, reason: string): boolean {
  return codeOf(error) === 'RP001' && (error as Error).message === reason;
}

/**
 * The AppError that a connection refused a statement with. MikroORM throws an error of its own in its place, which has all
 * that the first one had but its class.
 */
export function refusalOf(error: unknown): AppError | undefined {
  if (!(error instanceof DriverException)) return undefined;
  const { code, reason, violations, metadata, retryAfterSeconds } = error as unknown as Partial<AppError>;
  if (code === undefined || reason === undefined) return undefined;
  const details = { violations, metadata, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }), cause: error };
  return new AppError(code, reason, error.message, details);
}

/** What to throw for the failures of a database that a caller can do something about: wait, try again, ask for less. Other errors stay. */
export function callErrorOf(error: unknown): unknown {
  const refusal = refusalOf(error);
  if (refusal) return refusal;
  if (isConnectionLoss(error)) {
    return new AppError('UNAVAILABLE', 'DATABASE_UNAVAILABLE', 'The database can not be reached. Try again.', {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (isConflict(error) || isLockTimeout(error)) {
    return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (isStatementTimeout(error)) {
    return new AppError(
      'DEADLINE_EXCEEDED',
      'DATABASE_TIMEOUT',
      'The database took too long. Ask for less, or try again.',
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
