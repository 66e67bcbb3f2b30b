import { symboliseStack } from './symbolise-stack.js';

/**
 * The loggable form of an error, with positions in the sources. Of a database error it omits message, detail and query:
 * they contain values, which may be personal data.
 */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, cause } = error;
  const stack = error.stack && symboliseStack(error.stack);
  const code = 'code' in error ? error.code : undefined;
  const why = cause === undefined ? {} : { cause: loggedError(cause) };
  if (!isOfDatabase(error)) return { type: name, message, stack, code, ...why };
  const { table, constraint } = error;
  return { type: name, code, table, constraint, stack: framesOf(stack), ...why };
}

/** Errors reported by PostgreSQL have a severity, whether wrapped or not. */
function isOfDatabase(error: Error): error is Error & { table?: string; constraint?: string } {
  return 'severity' in error;
}

function framesOf(stack = ''): string {
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
}
