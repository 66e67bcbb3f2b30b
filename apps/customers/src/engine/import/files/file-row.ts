/** The name of a column and what a row has in it: text of a CSV file, any JSON value otherwise. */
export type Cell = readonly [column: string, value: unknown];

/** Why a row could not be read. */
export interface RowProblem {
  /** UPPER_SNAKE, such as `JSON_INVALID`. */
  reason: string;
  /** A sentence for people. */
  message: string;
}

/** A row of an imported file. Lines count from 1; a row is named by the line on which it starts. */
export interface FileRow {
  line: number;
  cells: Cell[];
  /** Length of the row in the file, in UTF-16 units. */
  size: number;
}

/** A row that is there but can't be read. The rows after it can. */
export interface UnreadableRow {
  line: number;
  problem: RowProblem;
}

/** The columns of a file that names them before its rows. */
export interface Header {
  columns: string[];
}

/** What a reader finds in a file, in its order. */
export type FilePart = Header | FileRow | UnreadableRow;

/** Longest row, in UTF-16 units. Whatever a file holds, reading it takes no more memory than a few of these. */
export const maxRowSize = 1024 * 1024;

/** Most columns of a file: an export has 27, one for each of up to 200 custom fields, and one for each system of external ids. */
export const maxColumns = 300;

export const rowTooLarge: RowProblem = { reason: 'ROW_TOO_LARGE', message: 'The row is longer than 1 MiB.' };

export const tooManyColumns: RowProblem = {
  reason: 'TOO_MANY_COLUMNS',
  message: `A file has at most ${maxColumns} columns.`,
};
