import { maxColumns, tooManyColumns, type FileRow, type RowProblem, type UnreadableRow } from './file-row.js';

/** Our own JSON of a customer has two levels below the row; deeper values belong to no field. */
const maxDepth = 8;

const nestingTooDeep: RowProblem = {
  reason: 'NESTING_TOO_DEEP',
  message: `The row is nested deeper than ${maxDepth} levels.`,
};

/** Reads one JSON object as a row. */
export function parseJsonRow(text: string, line: number): FileRow | UnreadableRow {
  const refuse = (problem: RowProblem): UnreadableRow => ({ line, problem });
  let value: unknown;
  try {
    value = hasLongNumber(text) ? JSON.parse(text, keepLongNumbers) : JSON.parse(text);
  } catch (error) {
    // A JSON.parse reviver recurses, and would overflow the stack on deep nesting.
    if (error instanceof RangeError) return refuse(nestingTooDeep);
    if (!(error instanceof SyntaxError)) throw error;
    return refuse({ reason: 'JSON_INVALID', message: 'The row is not valid JSON.' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse({ reason: 'NOT_AN_OBJECT', message: 'The row is not a JSON object.' });
  }
  if (isDeeperThan(value, maxDepth)) {
    return refuse(nestingTooDeep);
  }
  const cells = Object.entries(value);
  return cells.length > maxColumns ? refuse(tooManyColumns) : { line, cells, size: text.length };
}

function hasLongNumber(text: string): boolean {
  return /\d{16}/.test(text);
}

/** A number of more than 15 digits, such as an id, stays text to preserve all its digits. */
function keepLongNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) ? (context?.source ?? value) : value;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeperThan(child, levels - 1));
}
