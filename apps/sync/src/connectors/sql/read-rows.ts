import { foreignCursor } from '../connector-error.js';
import { contentVersion } from '../values/content-version.js';
import type { Page, ReadItem } from '../connector.js';
import { readCursor, writeCursor } from '../values/cursor.js';
import type { PeerRecord, RecordKey } from '../peer-record.js';
import { readColumn } from './column-value.js';
import { rowId, rowIdTexts } from './row-id.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';
import type { Column } from './column.js';
import type { Table } from './table.js';

const cursorForm = 'sql-1';

/** Time and id of the last row that was read, in the database's format; empty at first. */
type SqlCursor = { updated: string; id: string };

/** A row as texts, in the order of the table's columns. */
export type Row = (string | null)[];

/** A statement about one row affected another number of rows. */
export class RowCountError extends Error {
  override readonly name = 'RowCountError';
  constructor(count: number) {
    super(`The statement affects ${count} rows instead of one.`);
  }
}

export class TableReader {
  readonly #connection: SqlConnection;
  readonly #dialect: SqlDialect;
  readonly #table: Table;
  /** Selects all columns as texts, from `r`: an order by an unqualified name would sort the text. */
  readonly select: string;

  constructor(connection: SqlConnection, dialect: SqlDialect, table: Table) {
    this.#connection = connection;
    this.#dialect = dialect;
    this.#table = table;
    this.select = `SELECT ${table.columns.map((column) => dialect.text(column)).join(', ')} FROM ${table.name} AS r`;
  }

  /**
   * Rows by time of change and id, up to a time before which no transaction can be in progress: everything behind the
   * cursor is final. The bound is at least one tick of the column old, since a column of whole seconds can get many
   * changes in one.
   */
  async *pages(cursor: string | undefined, pageSize: number, lateCommitSeconds: number): AsyncGenerator<Page> {
    const { ids, updated } = this.#table;
    const tick = 10 ** (6 - updated.precision);
    const ago = this.#dialect.ago(updated, Math.max(lateCommitSeconds * 1_000_000, tick));
    const [[until = null] = []] = await this.#connection.query(`SELECT ${ago}`);
    let at: SqlCursor = cursor === undefined ? { updated: '', id: '' } : parseCursor(cursor);
    for (;;) {
      const [time, timeValue] = [this.#column(updated), this.#dialect.value(updated)];
      const after =
        at.updated === '' ? undefined : this.#beyond([updated, ...ids], [at.updated, ...this.#idTexts(at.id)]);
      const where = after ? `${time} >= ${timeValue} AND ${after.sql} AND` : '';
      const rows = await this.#connection.query(
        `${this.select} WHERE ${where} ${time} <= ${timeValue} ORDER BY ${this.#order([updated, ...ids])} LIMIT ${pageSize}`,
        after ? [at.updated, ...after.values, until] : [until],
      );
      const last = rows.at(-1);
      if (last) at = { updated: this.#value(last, updated) ?? '', id: this.idOf(last) };
      yield { items: rows.map((row) => this.#item(row)), cursor: writeCursor(cursorForm, at) };
      if (rows.length < pageSize) return;
    }
  }

  /** Every row's key. The version covers the whole row, so that an edit without a new time is found too. */
  async *keys(pageSize: number): AsyncGenerator<RecordKey[]> {
    const { ids } = this.#table;
    let last: Row | undefined;
    for (;;) {
      const after = last && this.#beyond(ids, this.#textsOf(last));
      const rows = await this.#connection.query(
        `${this.select} ${after ? `WHERE ${after.sql}` : ''} ORDER BY ${this.#order(ids)} LIMIT ${pageSize}`,
        after?.values ?? [],
      );
      yield rows
        .filter((row) => !this.isDeleted(row))
        .map((row) => ({ id: this.idOf(row), version: contentVersion(row) }));
      if (rows.length < pageSize) return;
      last = rows.at(-1);
    }
  }

  /**
   * The row with this id, deleted or not.
   *
   * @param suffix such as `FOR UPDATE`
   * @throws RowCountError for several rows
   */
  async row(id: string, suffix = ''): Promise<Row | undefined> {
    const texts = rowIdTexts(id, this.#table.ids.length);
    if (!texts) return undefined;
    const { sql, values } = this.#where(texts);
    return this.#only(await this.#connection.query(`${this.select} ${sql} ${suffix}`, values), this.#table.ids, texts);
  }

  /** The row with the key of a create. */
  async rowOfKey(column: Column, key: string): Promise<Row | undefined> {
    const where = `WHERE ${this.#column(column)} = ${this.#dialect.value(column)}`;
    return this.#only(await this.#connection.query(`${this.select} ${where}`, [key]), [column], [key]);
  }

  /** `WHERE` clause of one row. */
  whereRow(row: Row): { sql: string; values: string[] } {
    return this.#where(this.#textsOf(row));
  }

  #where(texts: string[]): { sql: string; values: string[] } {
    const conditions = this.#table.ids.map((column) => `${this.#column(column)} = ${this.#dialect.value(column)}`);
    return { sql: `WHERE ${conditions.join(' AND ')}`, values: texts };
  }

  /** Databases accept `7x` for 7 and `A` for `a`; here the texts must be equal. */
  #only(rows: Row[], columns: Column[], texts: string[]): Row | undefined {
    const same = rows.filter((row) => columns.every((column, index) => this.#value(row, column) === texts[index]));
    if (same.length > 1) throw new RowCountError(same.length);
    return same[0];
  }

  /** The record of a row; `undefined` when it is marked as deleted. */
  record(row: Row | undefined): PeerRecord | undefined {
    if (!row || this.isDeleted(row)) return undefined;
    const values = this.#table.columns.map((column, index) => [column, row[index] ?? null] as const);
    const fields = values.flatMap(([column, text]) =>
      text === null ? [] : [[column.name, readColumn(column, text)] as const],
    );
    return { id: this.idOf(row), version: contentVersion(row), fields: Object.fromEntries(fields) };
  }

  isDeleted(row: Row): boolean {
    const { deleted } = this.#table;
    if (!deleted) return false;
    const text = this.#value(row, deleted);
    return deleted.type === 'BOOLEAN' ? text !== null && readColumn(deleted, text) === true : text !== null;
  }

  idOf(row: Row): string {
    return rowId(this.#textsOf(row));
  }

  #item(row: Row): ReadItem {
    const record = this.record(row);
    return record ? { kind: 'RECORD', record } : { kind: 'DELETED', id: this.idOf(row) };
  }

  #textsOf(row: Row): string[] {
    return this.#table.ids.map((column) => this.#value(row, column) ?? '');
  }

  /** @throws ConnectorError CURSOR_EXPIRED when the id is not of these columns */
  #idTexts(id: string): string[] {
    const texts = rowIdTexts(id, this.#table.ids.length);
    if (!texts) throw foreignCursor();
    return texts;
  }

  /** Condition for rows after these values, in the order of the columns. */
  #beyond([column, ...rest]: Column[], [text = '', ...texts]: string[]): { sql: string; values: string[] } {
    if (!column) return { sql: 'FALSE', values: [] };
    const [name, value] = [this.#column(column), this.#dialect.value(column)];
    if (rest.length === 0) return { sql: `${name} > ${value}`, values: [text] };
    const further = this.#beyond(rest, texts);
    return {
      sql: `(${name} > ${value} OR (${name} = ${value} AND ${further.sql}))`,
      values: [text, text, ...further.values],
    };
  }

  #order(columns: Column[]): string {
    return columns.map((column) => `r.${this.#column(column)}`).join(', ');
  }

  #column({ name }: Column): string {
    return this.#dialect.quote(name);
  }

  #value(row: Row, column: Column): string | null {
    return row[this.#table.columns.indexOf(column)] ?? null;
  }
}

function parseCursor(cursor: string): SqlCursor {
  return readCursor<SqlCursor>(
    cursorForm,
    cursor,
    ({ updated, id }) => typeof updated === 'string' && typeof id === 'string',
  );
}
