import { configurationError, type ConnectorError } from '../connector-error.js';
import type { RecordField } from '../description.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';

/** A column as the catalogue has it. */
export interface CatalogColumn {
  name: string;
  /** As SQL calls it, such as `bigint`. */
  dataType: string;
  /** With its details, such as `int(10) unsigned`. */
  fullType: string;
  nullable: boolean;
  hasDefault: boolean;
  /** Computed by the database. */
  generated: boolean;
  /** Digits of the fractions of seconds. */
  precision: number;
}

export interface Column extends CatalogColumn {
  type: RecordField['type'];
}

/** A table and what its columns are for. */
export interface Table {
  /** Quoted. */
  name: string;
  columns: Column[];
  /** What a row is known by: the columns of a unique index. */
  ids: Column[];
  updated: Column;
  key: Column | undefined;
  deleted: Column | undefined;
  version: Column | undefined;
}

/**
 * The table as it is now. Columns of binary types are left out.
 *
 * @throws ConnectorError INVALID that names the field of a table or column that is not there or does not fit
 */
export async function findTable(
  connection: SqlConnection,
  dialect: SqlDialect,
  configuration: SqlConfiguration,
): Promise<Table> {
  const schema = dialect.schema(configuration);
  const rows = await connection.query(dialect.catalogQuery, [schema, configuration.table]);
  if (rows.length === 0) throw missing('/table', 'There is no such table, or the user may not see it.');
  const columns = rows.map(catalogColumn).flatMap((column) => {
    const type = dialect.fieldType(column);
    return type === undefined ? [] : [{ ...column, type }];
  });
  const named = (field: string, name: string) => {
    const column = columns.find((own) => own.name === name);
    if (!column) throw missing(`/${field}`, `The table has no column ${name}.`);
    return column;
  };
  const find = (field: 'updatedColumn' | 'keyColumn' | 'deletedColumn' | 'versionColumn') => {
    const name = configuration[field];
    return name === undefined ? undefined : named(field, name);
  };
  const { idColumn, idColumns = [] } = configuration;
  const idField = idColumn === undefined ? 'idColumns' : 'idColumn';
  const table = {
    name: `${dialect.quote(schema)}.${dialect.quote(configuration.table)}`,
    columns,
    ids: (idColumn === undefined ? idColumns : [idColumn]).map((name) => named(idField, name)),
    updated: required(find('updatedColumn')),
    key: find('keyColumn'),
    deleted: find('deletedColumn'),
    version: find('versionColumn'),
  };
  checkColumns(table, idField);
  const unique = uniqueIndexes(await connection.query(dialect.uniqueIndexQuery, [schema, configuration.table]));
  checkUnique(unique, table.ids, idField);
  if (table.key) checkUnique(unique, [table.key], 'keyColumn');
  return table;
}

function uniqueIndexes(rows: (string | null)[][]): ReadonlySet<string>[] {
  const indexes = new Map<string, Set<string>>();
  for (const [index = '', column = ''] of rows) {
    const columns = indexes.get(index ?? '') ?? new Set();
    indexes.set(index ?? '', columns.add(column ?? ''));
  }
  return [...indexes.values()];
}

/** Without such an index one id could be that of two rows, and a write would meet both. */
function checkUnique(indexes: ReadonlySet<string>[], columns: Column[], field: string): void {
  const names = columns.map(({ name }) => name);
  const isUnique = indexes.some((index) => index.size === names.length && names.every((name) => index.has(name)));
  if (isUnique) return;
  const description = `The table has no unique index on exactly ${names.join(', ')}, over all of its rows.`;
  throw configurationError(`/${field}`, { reason: 'NOT_UNIQUE', description });
}

function checkColumns({ ids, updated, deleted, version }: Table, idField: string): void {
  if (!['TIME', 'LOCAL_TIME'].includes(updated.type)) throw unfit('/updatedColumn', 'The column holds no time.');
  if (updated.nullable) throw unfit('/updatedColumn', 'The column may be null: rows where it is would never be read.');
  const nullable = ids.find((id) => id.nullable);
  if (nullable) throw unfit(`/${idField}`, `The column ${nullable.name} may be null.`);
  if (deleted && !['TIME', 'LOCAL_TIME', 'BOOLEAN'].includes(deleted.type)) {
    throw unfit('/deletedColumn', 'The column holds neither a time nor a boolean.');
  }
  if (version && version.type !== 'NUMBER') throw unfit('/versionColumn', 'The column holds no number.');
}

/** The fields of the rows. What the configuration has another use for is not for others to write. */
export function tableFields({ columns, ids, updated, key, deleted, version }: Table): RecordField[] {
  const own = [...ids, updated, key, deleted, version];
  return columns.map((column) => {
    const writable = !column.generated && !own.includes(column);
    return {
      name: column.name,
      type: column.type,
      writable,
      required: writable && !column.nullable && !column.hasDefault,
    };
  });
}

/** Whether the database gives new rows what no caller gives: the key, the time and the fields are sent. */
export function createsRows({ ids, updated, key, deleted, version }: Table): boolean {
  const given = [key, updated];
  return (
    key !== undefined &&
    [...ids, deleted, version].every((column) => !column || given.includes(column) || isFilled(column))
  );
}

function isFilled({ nullable, hasDefault, generated }: Column): boolean {
  return nullable || hasDefault || generated;
}

function catalogColumn([name, dataType, fullType, nullable, hasDefault, generated, precision]: (
  string | null
)[]): CatalogColumn {
  return {
    name: name ?? '',
    dataType: dataType ?? '',
    fullType: fullType ?? '',
    nullable: nullable === 'YES',
    hasDefault: hasDefault === 'YES',
    generated: generated === 'YES',
    precision: Number(precision ?? 0),
  };
}

function required(column: Column | undefined): Column {
  if (!column) throw new Error('The configuration was not checked.');
  return column;
}

function missing(pointer: string, description: string): ConnectorError {
  return configurationError(pointer, { reason: 'NOT_FOUND', description });
}

function unfit(pointer: string, description: string): ConnectorError {
  return configurationError(pointer, { reason: 'WRONG_TYPE', description });
}
