import { ConnectorError } from '../connector-error.js';

/** True for errors of a database or its driver; false for our own errors and bugs. */
export function isDriverError(error: unknown): error is Error {
  return (
    error instanceof Error && ![ConnectorError, TypeError, RangeError, SyntaxError].some((own) => error instanceof own)
  );
}
