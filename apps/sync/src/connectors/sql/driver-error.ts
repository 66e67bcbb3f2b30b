import { ConnectorError } from '../connector-error.js';

/** True for what a database or its driver threw; our own errors, and those of programmers, are none. */
export function isDriverError(error: unknown): error is Error {
  return (
    error instanceof Error && ![ConnectorError, TypeError, RangeError, SyntaxError].some((own) => error instanceof own)
  );
}
