import { jsonSize } from '@rapport/platform';
import { archiveInvalid } from './archive-error.js';

/** Most parts, by `jsonSize`, of the lines that are parsed at once: about 100 MiB in memory. */
const maxParts = 1_000_000;

/** Deeper than any record or row. */
const maxDepth = 100;

/** Most lines of a file, which has about 1 MiB of them in an export. */
const maxLines = 100_000;

/** Whether a JSON text fits into memory and the stack when it is parsed. */
export function isParsable(text: string): boolean {
  const { parts, depth } = jsonSize(text);
  return parts <= maxParts && depth <= maxDepth;
}

/**
 * Counts the lines of a file without parsing them.
 *
 * @param text that ends with a line
 * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID for an empty line, and for more than fits into memory once it is parsed
 */
export function countLines(name: string, text: string): number {
  let count = 0;
  for (let start = 0; start < text.length; count += 1) {
    const end = text.indexOf('\n', start);
    if (end === start) throw archiveInvalid(`${name} has an empty line.`);
    if (count === maxLines) throw archiveInvalid(`${name} has more than ${maxLines} lines.`);
    if (!isParsable(text.slice(start, end))) {
      throw archiveInvalid(`${name} has a line of too many values, or too deeply nested ones.`);
    }
    start = end + 1;
  }
  return count;
}

/** The offset of a line. */
export function startOfLine(text: string, line: number): number {
  let start = 0;
  for (let passed = 0; passed < line; passed += 1) start = text.indexOf('\n', start) + 1;
  return start;
}

/** The lines from an offset on that are parsed at once, and the offset of the next one. There is at least one. */
export function batchAt(text: string, start: number, mostLines: number): { lines: string[]; end: number } {
  const lines: string[] = [];
  let [end, parts] = [start, 0];
  while (lines.length < mostLines && end < text.length) {
    const line = text.slice(end, text.indexOf('\n', end));
    parts += jsonSize(line).parts;
    if (lines.length > 0 && parts > maxParts) break;
    lines.push(line);
    end += line.length + 1;
  }
  return { lines, end };
}
