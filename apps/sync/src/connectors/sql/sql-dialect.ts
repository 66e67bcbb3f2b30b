import type { RecordIssue } from '../peer-record.js';
import type { ConnectorError } from '../connector-error.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { CatalogColumn, Column } from './column.js';

/** A connection to a database. All values are texts, in both directions, so that none loses digits. */
export interface SqlConnection {
  /** @param text with `?` for each value. */
  query(text: string, values?: (string | null)[]): Promise<(string | null)[][]>;
  /** @returns number of rows that an UPDATE or DELETE matched, changed or not */
  change(text: string, values?: (string | null)[]): Promise<number>;
  /** Closes it at once, and cancels the running statement. */
  destroy(): void;
  /** Closes it gracefully. */
  close(): Promise<void>;
}

/** Failure of a statement. */
export type SqlFailure =
  | { kind: 'CALL'; error: ConnectorError }
  /** The row is invalid, and retries are useless. */
  | { kind: 'ROW'; issue: RecordIssue; duplicate: boolean }
  /** A conflict with another transaction. */
  | { kind: 'AGAIN' };

/** Differences between database systems. */
export interface SqlDialect {
  /**
   * Opens a session in UTC that refuses invalid values. @param address to connect to; `configuration.host` is for the
   * certificate only
   */
  connect(configuration: SqlConfiguration, address: string): Promise<SqlConnection>;
  /** Quotes any name. */
  quote(name: string): string;
  /** The schema of the table in the catalogue. */
  schema(configuration: SqlConfiguration): string;
  /** Selects the columns of a table of a schema as `CatalogColumn`, in order. */
  catalogQuery: string;
  /** Selects index and column for each column of each unique index over all rows of a table of a schema. */
  uniqueIndexQuery: string;
  /** `isListed` false: a type that is only read, in the database's format. Undefined: not exchanged. */
  fieldType(column: CatalogColumn): { type: Column['type']; isListed: boolean } | undefined;
  /** SQL for the value of a column as a text. */
  text(column: Column): string;
  /** SQL for a value, given as `?`, that is compared with a column. */
  value(column: Column): string;
  /** SQL for the current time, in the type of the column. */
  now(column: Column): string;
  /** SQL for the time some microseconds ago, in the type of the column, as a text. */
  ago(column: Column, microseconds: number): string;
  /** SQL of `true` and `false`. */
  boolean(value: boolean): string;
  /** `undefined` for an error that is not of the database. */
  failure(error: unknown): SqlFailure | undefined;
}
