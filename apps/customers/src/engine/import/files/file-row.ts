import type { ViolationCode } from '@rapport/platform';
/** A column name and its cell in a row: text for a CSV file, any JSON value otherwise. */
export type Cell = readonly [column: string, value: unknown];

/** Why a row could not be read. */
export interface RowProblem {
  reason: ViolationCode;
  /** A sentence for the user. */
  message: string;
}

/** A row of an imported file. Lines count from 1; the line of a row is the one on which it starts. */
export interface FileRow {
  line: number;
  cells: Cell[];
  /** Length of the row in the file, in UTF-16 units. */
  size: number;
}

/** A malformed row. The rows after it are readable. */
export interface UnreadableRow {
  line: number;
  problem: RowProblem;
}

/** The columns of a file that names them before its rows. */
export interface Header {
  columns: string[];
}

/** The items of a file, in order. */
export type FilePart = Header | FileRow | UnreadableRow;

/** Longest row, in UTF-16 units. Reading takes at most the memory of a few rows. */
export const maxRowSize = 1024 * 1024;

/**
 * Most columns of a file: an export has 27, one for each of up to 200 custom fields, and one for each system of
 * external ids.
 */
export const maxColumns = 300;

export const rowTooLarge: RowProblem = { reason: 'ROW_TOO_LARGE', message: 'The row is longer than 1 MiB.' };

export const tooManyColumns: RowProblem = {
  reason: 'TOO_MANY_COLUMNS',
  message: `A file has at most ${maxColumns} columns.`,
};
