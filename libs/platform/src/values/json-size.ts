const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const openings: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closings: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** The size of a JSON text in memory. */
export interface JsonSize {
  /** The number of commas and opening brackets outside of strings. A text has hardly more than twice as many values. */
  parts: number;
  /** The most brackets that are open at once. */
  depth: number;
}

/**
 * Measures a foreign JSON text before it is parsed: a value takes far more memory than its characters, such as 56 bytes for
 * the two of `{}`, and recursive functions exhaust the stack on a deep one.
 */
export function jsonSize(text: string): JsonSize {
  let [parts, depth, open] = [0, 0, 0];
  let isInString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === quote) isInString = !isInString;
    else if (isInString) index += code === backslash ? 1 : 0;
    else if (code === comma) parts += 1;
    else if (openings.has(code)) {
      parts += 1;
      depth = Math.max(depth, (open += 1));
    } else if (closings.has(code)) open -= 1;
  }
  return { parts, depth };
}
