import type { FieldViolation } from '@rapport/platform';
import { isStorableText } from './formats.js';

/** Most levels of objects and lists, the outermost included. */
const maxDepth = 5;
/** Most values in all: those of objects, those of lists, and the objects and lists themselves. */
const maxValues = 1_000;

/**
 * The violation of a google.protobuf.Struct, in JSON or as ts-proto decodes it. It may have what JSON can represent and a
 * database can store, and is limited in depth and number of values; its texts are limited only by the size of the request.
 */
export function structViolation(struct: unknown): Pick<FieldViolation, 'reason' | 'description'> | undefined {
  return violationWithin(struct as object, 1, { values: 0 });
}

function violationWithin(
  container: object,
  depth: number,
  found: { values: number },
): ReturnType<typeof structViolation> {
  if (depth > maxDepth) return { reason: 'TOO_DEEP', description: `must have at most ${maxDepth} levels.` };
  // Counted before they are read: a body of 1 MiB has 500,000.
  found.values += Array.isArray(container) ? container.length : Object.keys(container).length;
  if (found.values > maxValues) {
    return { reason: 'TOO_MANY_ITEMS', description: `must have at most ${maxValues} values in all.` };
  }
  for (const [key, value] of Object.entries(container) as [string, unknown][]) {
    const isContainer = typeof value === 'object' && value !== null;
    const violation =
      textViolation(key) ?? (isContainer ? violationWithin(value, depth + 1, found) : scalarViolation(value));
    if (violation) return violation;
  }
  return undefined;
}

function textViolation(text: string): ReturnType<typeof structViolation> {
  if (isStorableText(text)) return undefined;
  return { reason: 'BAD_CHARACTERS', description: 'has a NUL or a broken character.' };
}

function scalarViolation(value: unknown): ReturnType<typeof structViolation> {
  switch (typeof value) {
    case 'string':
      return textViolation(value);
    case 'number':
      return Number.isFinite(value)
        ? undefined
        : { reason: 'TOO_LARGE', description: 'has a number that is not finite.' };
    // A google.protobuf.Value of no kind, which JSON can't represent.
    case 'undefined':
      return { reason: 'UNKNOWN_VALUE', description: 'has a value of no kind.' };
    default:
      return undefined;
  }
}
