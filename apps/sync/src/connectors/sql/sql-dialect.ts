import type { RecordIssue } from '../peer-record.js';
import type { ConnectorError } from '../connector-error.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { CatalogColumn, Column } from './column.js';

/** A connection to a database. All values are texts, in both directions, so that none loses digits. */
export interface SqlConnection {
  /** @param text with `?` for each value. */
  query(text: string, values?: (string | null)[]): Promise<(string | null)[][]>;
  /** @returns how many rows an UPDATE or DELETE met, changed or not */
  change(text: string, values?: (string | null)[]): Promise<number>;
  /** Ends it at once, and with it what is running. */
  destroy(): void;
  /** Ends it in order. */
  close(): Promise<void>;
}

/** What went wrong with a statement. */
export type SqlFailure =
  | { kind: 'CALL'; error: ConnectorError }
  /** The row does not fit, and never will. */
  | { kind: 'ROW'; issue: RecordIssue; duplicate: boolean }
  /** Another transaction was in the way. */
  | { kind: 'AGAIN' };

/** Where the database systems differ. */
export interface SqlDialect {
  /** The session speaks UTC and refuses what does not fit a column. @param address to connect to; `configuration.host` is for the certificate only */
  connect(configuration: SqlConfiguration, address: string): Promise<SqlConnection>;
  /** A quoted name, whatever is in it. */
  quote(name: string): string;
  /** The schema of the table, as the catalogue knows it. */
  schema(configuration: SqlConfiguration): string;
  /** Selects the columns of a table of a schema as `CatalogColumn`, in their order. */
  catalogQuery: string;
  /** Selects index and column for each column of each unique index over all rows of a table of a schema. */
  uniqueIndexQuery: string;
  /** `isListed` false: a type that is only read, as the database writes it. Undefined: it is not exchanged. */
  fieldType(column: CatalogColumn): { type: Column['type']; isListed: boolean } | undefined;
  /** SQL for the value of a column as a text. */
  text(column: Column): string;
  /** SQL for a value, given as `?`, that is compared with a column. */
  value(column: Column): string;
  /** SQL for now, as the column would hold it. */
  now(column: Column): string;
  /** SQL for the time so many microseconds ago, as the column would hold it, as a text. */
  ago(column: Column, microseconds: number): string;
  /** How `true` and `false` are written. */
  boolean(value: boolean): string;
  /** `undefined` when the error did not come from the database. */
  failure(error: unknown): SqlFailure | undefined;
}
