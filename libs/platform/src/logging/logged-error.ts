import { symboliseStack } from './symbolise-stack.js';

/**
 * What is logged of an error, with positions in the sources. Of one of the database no word of its own: its message, detail and query have values in them,
 * which may be personal.
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

/** Errors that PostgreSQL reports have a severity, whoever wraps them. */
function isOfDatabase(error: Error): error is Error & { table?: string; constraint?: string } {
  return 'severity' in error;
}

function framesOf(stack = ''): string {
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
}
