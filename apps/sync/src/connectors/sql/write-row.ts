import { contentVersion } from '../values/content-version.js';
import type { WriteItem, WriteResult } from '../connector.js';
import type { JsonObject, RecordIssue } from '../peer-record.js';
import { writeColumn } from './column-value.js';
import { RowCountError, type Row, type TableReader } from './read-rows.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';
import type { Column } from './column.js';
import { tableFields, tableRights, type Table } from './table.js';

type Create = Extract<WriteItem, { kind: 'CREATE' }>;
type Update = Extract<WriteItem, { kind: 'UPDATE' }>;
type Delete = Extract<WriteItem, { kind: 'DELETE' }>;

/** Delay after a conflict with another transaction. */
const conflictRetryMs = 500;

/** `SET` and `VALUES` of a statement: a column, the SQL for its value, and the value of its `?`. */
interface Assignment {
  column: string;
  sql: string;
  values: (string | null)[];
}

/** Writes rows, each in a transaction of its own. Names come from the catalogue and are quoted; values are parameters. */
export class RowWriter {
  readonly #connection: SqlConnection;
  readonly #dialect: SqlDialect;
  readonly #table: Table;
  readonly #reader: TableReader;

  constructor(connection: SqlConnection, dialect: SqlDialect, table: Table, reader: TableReader) {
    this.#connection = connection;
    this.#dialect = dialect;
    this.#table = table;
    this.#reader = reader;
  }

  async write(item: WriteItem): Promise<WriteResult> {
    try {
      switch (item.kind) {
        case 'CREATE':
          return await this.#create(item);
        case 'UPDATE':
          return await this.#change(item, (row) => this.#update(row, item));
        case 'DELETE':
          return await this.#change(item, (row) => this.#delete(row));
        default:
          return item satisfies never;
      }
    } catch (error) {
      if (error instanceof RowCountError) return rejected('ROW_COUNT', `${error.message} Nothing was written.`);
      const failure = this.#dialect.failure(error);
      if (failure?.kind === 'AGAIN') return { kind: 'RETRY_LATER', retryAfterMs: conflictRetryMs };
      if (failure?.kind === 'CALL') throw failure.error;
      if (failure?.kind === 'ROW') return { kind: 'REJECTED', issues: [failure.issue] };
      throw error;
    }
  }

  /** The database refuses a second row with the key, so a retry finds the first one, whatever its current content. */
  async #create({ key, fields }: Create): Promise<WriteResult> {
    const { key: keyColumn, updated } = this.#table;
    if (!keyColumn || !tableRights(this.#table).create) {
      const message =
        'This connection creates no rows: it has no keyColumn, lacks the right, or the database does not give the other ids.';
      return rejected('UNSUPPORTED', message);
    }
    const assignments = this.#assignments(fields, true);
    if ('issues' in assignments) return { kind: 'REJECTED', issues: assignments.issues };
    const all = [
      { column: this.#dialect.quote(keyColumn.name), sql: '?', values: [key] },
      { column: this.#dialect.quote(updated.name), sql: this.#dialect.now(updated), values: [] },
      ...assignments.set,
    ];
    const columns = all.map(({ column }) => column).join(', ');
    const values = all.map(({ sql }) => sql).join(', ');
    try {
      const [row] = await this.#connection.query(
        `INSERT INTO ${this.#table.name} (${columns}) VALUES (${values}) RETURNING ${this.#returned()}`,
        all.flatMap((assignment) => assignment.values),
      );
      if (!row) throw new Error('An insert returned no row.');
      return { kind: 'WRITTEN', id: this.#reader.idOf(row), version: contentVersion(row) };
    } catch (error) {
      const failure = this.#dialect.failure(error);
      const existing =
        failure?.kind === 'ROW' && failure.duplicate ? await this.#reader.rowOfKey(keyColumn, key) : undefined;
      if (!existing) throw error;
      return this.#conflict(this.#reader.idOf(existing), existing);
    }
  }

  /** Locks the row and compares its version, which excludes concurrent changes. */
  async #change(item: Update | Delete, change: (row: Row) => Promise<WriteResult>): Promise<WriteResult> {
    await this.#connection.query('START TRANSACTION');
    try {
      const row = await this.#reader.row(item.id, 'FOR UPDATE');
      const result = await this.#changeLocked(item, row, change);
      await this.#connection.query('COMMIT');
      return result;
    } catch (error) {
      // A lost connection rolls the transaction back.
      await this.#connection.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  async #changeLocked(
    item: Update | Delete,
    row: Row | undefined,
    change: (row: Row) => Promise<WriteResult>,
  ): Promise<WriteResult> {
    const gone = !row || this.#reader.isDeleted(row);
    if (gone) return item.kind === 'DELETE' ? { kind: 'WRITTEN', id: item.id } : { kind: 'CONFLICT', id: item.id };
    return contentVersion(row) === item.expectedVersion ? change(row) : this.#conflict(item.id, row);
  }

  async #update(row: Row, { id, fields }: Update): Promise<WriteResult> {
    const assignments = this.#assignments(fields, false);
    if ('issues' in assignments) return { kind: 'REJECTED', issues: assignments.issues };
    await this.#set(row, [...assignments.set, ...this.#touch()]);
    const written = await this.#reader.row(id);
    return written ? { kind: 'WRITTEN', id, version: contentVersion(written) } : { kind: 'CONFLICT', id };
  }

  async #delete(row: Row): Promise<WriteResult> {
    const { deleted, name } = this.#table;
    if (deleted) {
      const mark =
        deleted.type === 'BOOLEAN'
          ? { sql: '?', values: [this.#dialect.boolean(true)] }
          : { sql: this.#dialect.now(deleted), values: [] };
      await this.#set(row, [{ column: this.#dialect.quote(deleted.name), ...mark }, ...this.#touch()]);
    } else {
      const { sql, values } = this.#reader.whereRow(row);
      await this.#changeOne(`DELETE FROM ${name} ${sql}`, values);
    }
    return { kind: 'WRITTEN', id: this.#reader.idOf(row) };
  }

  async #set(row: Row, assignments: Assignment[]): Promise<void> {
    const set = assignments.map(({ column, sql }) => `${column} = ${sql}`).join(', ');
    const where = this.#reader.whereRow(row);
    const values = assignments.flatMap((assignment) => assignment.values);
    await this.#changeOne(`UPDATE ${this.#table.name} SET ${set} ${where.sql}`, [...values, ...where.values]);
  }

  /** @throws RowCountError when the database changes another number of rows, which rolls the transaction back */
  async #changeOne(text: string, values: (string | null)[]): Promise<void> {
    const count = await this.#connection.change(text, values);
    if (count !== 1) throw new RowCountError(count);
  }

  /** Columns that every change sets. */
  #touch(): Assignment[] {
    const { updated, version } = this.#table;
    const touched = [{ column: this.#dialect.quote(updated.name), sql: this.#dialect.now(updated), values: [] }];
    if (!version) return touched;
    const column = this.#dialect.quote(version.name);
    return [...touched, { column, sql: `${column} + 1`, values: [] }];
  }

  #assignments(fields: JsonObject, create: boolean): { set: Assignment[] } | { issues: RecordIssue[] } {
    const known = tableFields(this.#table);
    const issues: RecordIssue[] = [];
    const set: Assignment[] = [];
    for (const [name, value] of Object.entries(fields)) {
      const column = this.#table.columns.find((own) => own.name === name);
      if (!column) issues.push({ reason: 'UNKNOWN_FIELD', message: 'The table has no such column.', field: name });
      else if (known.some((field) => field.name === name && !field.writable)) {
        issues.push({ reason: 'READ_ONLY', message: 'The column is read-only.', field: name });
      } else {
        const written = writeColumn(column, value, this.#dialect);
        if ('wrong' in written) issues.push({ reason: 'INVALID', message: written.wrong, field: name });
        else set.push({ column: this.#dialect.quote(name), sql: '?', values: [written.text] });
      }
    }
    const absent = create ? known.filter((field) => field.required && (fields[field.name] ?? null) === null) : [];
    for (const { name } of absent.filter((field) => !(field.name in fields))) {
      issues.push({ reason: 'REQUIRED', message: 'The column must not be null and has no default.', field: name });
    }
    return issues.length > 0 ? { issues } : { set };
  }

  #returned(): string {
    return this.#table.columns.map((column: Column) => this.#dialect.text(column)).join(', ');
  }

  #conflict(id: string, row: Row): WriteResult {
    const current = this.#reader.record(row);
    return current ? { kind: 'CONFLICT', id, current } : { kind: 'CONFLICT', id };
  }
}

function rejected(reason: string, message: string): WriteResult {
  return { kind: 'REJECTED', issues: [{ reason, message }] };
}
