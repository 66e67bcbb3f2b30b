import { invalidArgument } from '@rapport/platform';

/**
 * Reads a body that another system has written.
 *
 * @param field of the body in the request
 * @returns null for an empty one
 * @throws AppError INVALID_ARGUMENT
 */
export function readJson(bytes: Uint8Array, field: string, maxDepth: number): unknown {
  if (bytes.length === 0) return null;
  const body = parsed(bytes, field);
  if (depthWithin(body, maxDepth)) return body;
  throw invalidArgument([{ field, reason: 'TOO_DEEP', description: `has more than ${maxDepth} levels` }]);
}

function parsed(bytes: Uint8Array, field: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
    throw invalidArgument([{ field, reason: 'JSON_INVALID', description: 'is not JSON' }]);
  }
}

/** Level by level, so that no nesting overflows the stack. */
function depthWithin(value: unknown, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const nested = level.filter((each): each is object => typeof each === 'object' && each !== null);
    if (nested.length > 0 && depth === most) return false;
    level = nested.flatMap((each): unknown[] => Object.values(each));
  }
  return true;
}
