import { invalidArgument, jsonSize } from '@rapport/platform';

/** Most values of a body, by `jsonSize`. They are parsed and checked in one turn of the event loop. */
const maxParts = 100_000;

/**
 * Reads a body that another system has written.
 *
 * @param field of the body in the request
 * @returns null for an empty one
 * @throws AppError INVALID_ARGUMENT
 */
export function readJson(bytes: Uint8Array, field: string, maxDepth: number): unknown {
  if (bytes.length === 0) return null;
  const text = textOf(bytes, field);
  const { parts, depth } = jsonSize(text);
  if (parts > maxParts) {
    throw invalidArgument([{ field, reason: 'TOO_MANY_ITEMS', description: `must have at most ${maxParts} values` }]);
  }
  const body = parsed(text, field);
  if (depth <= maxDepth) return body;
  throw invalidArgument([{ field, reason: 'TOO_DEEP', description: `has more than ${maxDepth} levels` }]);
}

function textOf(bytes: Uint8Array, field: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw notJson(field);
  }
}

function parsed(text: string, field: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw notJson(field);
  }
}

function notJson(field: string) {
  return invalidArgument([{ field, reason: 'JSON_INVALID', description: 'is not JSON' }]);
}
