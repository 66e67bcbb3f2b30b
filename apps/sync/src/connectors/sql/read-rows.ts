import { contentVersion } from '../content-version.js';
import type { Page, ReadItem } from '../connector.js';
import { readCursor, writeCursor } from '../cursor.js';
import type { PeerRecord, RecordKey } from '../peer-record.js';
import { readColumn } from './column-value.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';
import type { Column, Table } from './table.js';

const cursorForm = 'sql-1';

/** The last row that was read, both as the database writes them; empty before the first one. */
type SqlCursor = { updated: string; id: string };

/** A row as texts, in the order of the table's columns. */
export type Row = (string | null)[];

export class TableReader {
  readonly #connection: SqlConnection;
  readonly #dialect: SqlDialect;
  readonly #table: Table;
  /**
   * Selects all columns as texts, from `r`: an order by a bare name would be that of the text.
   */
  readonly select: string;

  constructor(connection: SqlConnection, dialect: SqlDialect, table: Table) {
    this.#connection = connection;
    this.#dialect = dialect;
    this.#table = table;
    this.select = `SELECT ${table.columns.map((column) => dialect.text(column)).join(', ')} FROM ${table.name} AS r`;
  }

  /**
   * Rows by time of change and id, up to the time before which no transaction can be under way any more: what is behind
   * the cursor stays as it was read. The bound is at least one tick of the column old, since a column of whole seconds
   * takes many changes in one.
   */
  async *pages(cursor: string | undefined, pageSize: number, lateCommitSeconds: number): AsyncGenerator<Page> {
    const { id, updated } = this.#table;
    const tick = 10 ** (6 - updated.precision);
    const ago = this.#dialect.ago(updated, Math.max(lateCommitSeconds * 1_000_000, tick));
    const [[until = null] = []] = await this.#connection.query(`SELECT ${ago}`);
    let at: SqlCursor = cursor === undefined ? { updated: '', id: '' } : parseCursor(cursor);
    for (;;) {
      const [time, key] = [this.#column(updated), this.#column(id)];
      const [timeValue, keyValue] = [this.#dialect.value(updated), this.#dialect.value(id)];
      const after = `${time} >= ${timeValue} AND (${time} > ${timeValue} OR ${key} > ${keyValue}) AND`;
      const rows = await this.#connection.query(
        `${this.select} WHERE ${at.updated === '' ? '' : after} ${time} <= ${timeValue} ORDER BY r.${time}, r.${key} LIMIT ${pageSize}`,
        at.updated === '' ? [until] : [at.updated, at.updated, at.id, until],
      );
      const last = rows.at(-1);
      if (last) at = { updated: this.#value(last, updated) ?? '', id: this.#value(last, id) ?? '' };
      yield { items: rows.map((row) => this.#item(row)), cursor: writeCursor(cursorForm, at) };
      if (rows.length < pageSize) return;
    }
  }

  /** Every row's key. The version is of the whole row, so that an edit that did not set the time shows too. */
  async *keys(pageSize: number): AsyncGenerator<RecordKey[]> {
    const id = this.#column(this.#table.id);
    let after: string | null | undefined;
    for (;;) {
      const where = after === undefined ? '' : `WHERE ${id} > ${this.#dialect.value(this.#table.id)}`;
      const values = after === undefined ? [] : [after];
      const rows = await this.#connection.query(`${this.select} ${where} ORDER BY r.${id} LIMIT ${pageSize}`, values);
      yield rows
        .filter((row) => !this.isDeleted(row))
        .map((row) => ({ id: this.idOf(row), version: contentVersion(row) }));
      if (rows.length < pageSize) return;
      after = this.#value(rows.at(-1) ?? [], this.#table.id);
    }
  }

  /**
   * The row with this value, deleted or not. Databases take `7x` for 7 and `A` for `a`; here it has to be the same text.
   *
   * @param suffix such as `FOR UPDATE`
   */
  async row(column: Column, text: string, suffix = ''): Promise<Row | undefined> {
    const where = `WHERE ${this.#column(column)} = ${this.#dialect.value(column)} ${suffix}`;
    const rows = await this.#connection.query(`${this.select} ${where}`, [text]);
    return rows.find((row) => this.#value(row, column) === text);
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
    return this.#value(row, this.#table.id) ?? '';
  }

  #item(row: Row): ReadItem {
    const record = this.record(row);
    return record ? { kind: 'RECORD', record } : { kind: 'DELETED', id: this.idOf(row) };
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
