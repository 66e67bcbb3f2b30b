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
  id: Column;
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
  const find = (field: 'idColumn' | 'updatedColumn' | 'keyColumn' | 'deletedColumn' | 'versionColumn') => {
    const name = configuration[field];
    if (name === undefined) return undefined;
    const column = columns.find((own) => own.name === name);
    if (!column) throw missing(`/${field}`, 'The table has no such column.');
    return column;
  };
  const table = {
    name: `${dialect.quote(schema)}.${dialect.quote(configuration.table)}`,
    columns,
    id: required(find('idColumn')),
    updated: required(find('updatedColumn')),
    key: find('keyColumn'),
    deleted: find('deletedColumn'),
    version: find('versionColumn'),
  };
  checkColumns(table);
  return table;
}

function checkColumns({ id, updated, deleted, version }: Table): void {
  if (!['TIME', 'LOCAL_TIME'].includes(updated.type)) throw unfit('/updatedColumn', 'The column holds no time.');
  if (updated.nullable) throw unfit('/updatedColumn', 'The column may be null: rows where it is would never be read.');
  if (id.nullable) throw unfit('/idColumn', 'The column may be null.');
  if (deleted && !['TIME', 'LOCAL_TIME', 'BOOLEAN'].includes(deleted.type)) {
    throw unfit('/deletedColumn', 'The column holds neither a time nor a boolean.');
  }
  if (version && version.type !== 'NUMBER') throw unfit('/versionColumn', 'The column holds no number.');
}

/** The fields of the rows. What the configuration has another use for is not for others to write. */
export function tableFields({ columns, id, updated, key, deleted, version }: Table): RecordField[] {
  const own = [id, updated, key, deleted, version];
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
