import { configurationError, type ConnectorError } from '../connector-error.js';
import type { RecordField } from '../description.js';
import type { CatalogColumn, Column } from './column.js';
import { columnLimits } from './column-limits.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { SqlConnection, SqlDialect } from './sql-dialect.js';

/** A table and the roles of its columns. */
export interface Table {
  /** Quoted. */
  name: string;
  columns: Column[];
  /** Id columns of a row: those of a unique index. */
  ids: Column[];
  updated: Column;
  key: Column | undefined;
  deleted: Column | undefined;
  version: Column | undefined;
  /** Columns that cannot be exchanged, as fields, with the reason. */
  left: RecordField[];
  /** Whether the user may delete rows. */
  mayDelete: boolean;
}

/**
 * The current table, as far as the user can see it.
 *
 * @throws ConnectorError INVALID that names the setting of a missing or unsuitable table or column
 */
export async function findTable(
  connection: SqlConnection,
  dialect: SqlDialect,
  configuration: SqlConfiguration,
): Promise<Table> {
  const schema = dialect.schema(configuration);
  const rows = await connection.query(dialect.catalogQuery, [schema, configuration.table]);
  const name = `${dialect.quote(schema)}.${dialect.quote(configuration.table)}`;
  if (rows.length === 0) {
    // Fails when it exists and the user has no privilege on it.
    await connection.query(`SELECT 1 FROM ${name} LIMIT 1`).catch((error: unknown) => {
      const failure = dialect.failure(error);
      if (failure?.kind === 'CALL' && failure.error.reason === 'UNAUTHORISED') throw failure.error;
    });
    throw missing('/table', 'There is no such table, or the user may not see it.');
  }
  const all = rows.map(catalogColumn);
  const columns = all.flatMap((column) => {
    const type = column.rights.select ? dialect.fieldType(column) : undefined;
    if (type === undefined) return [];
    const { timeZone } = configuration;
    return [{ ...column, ...type, ...(type.type === 'LOCAL_TIME' && timeZone !== undefined && { timeZone }) }];
  });
  const named = (field: string, name: string) => {
    const column = columns.find((own) => own.name === name);
    if (!column) throw missing(`/${field}`, `The table has no column ${name} that can be read.`);
    return column;
  };
  const find = (field: 'updatedColumn' | 'keyColumn' | 'deletedColumn' | 'versionColumn') => {
    const name = configuration[field];
    return name === undefined ? undefined : named(field, name);
  };
  const { idColumn, idColumns = [] } = configuration;
  const idField = idColumn === undefined ? 'idColumns' : 'idColumn';
  const table = {
    name,
    columns,
    left: all.filter((column) => columns.every((other) => other.name !== column.name)).map(leftField),
    mayDelete: await mayDelete(connection, dialect, name),
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

/** Without such an index, two rows could have one id, and a write would change both. */
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
  if (version && !['NUMBER', 'DECIMAL'].includes(version.type))
    throw unfit('/versionColumn', 'The column holds no number.');
}

/** The fields of the rows. Columns with a role in the configuration are not writable. */
export function tableFields(table: Table): RecordField[] {
  const { columns, ids, updated, key, deleted, version, left } = table;
  const own = [...ids, updated, key, deleted, version];
  const rights = tableRights(table);
  const fields = columns.map((column) => {
    const { name, type, fullType, dataType, timeZone } = column;
    const note = own.includes(column) ? 'The connection has a use of its own for it.' : readOnlyNote(column, rights);
    const writable = note === undefined;
    return {
      ...{ name, type, writable, required: writable && !isFilled(column), declaredType: fullType },
      ...(type === 'DECIMAL' && { fractionDigits: columnLimits(column).fractionDigits }),
      ...(type === 'TEXT' && !/char|text|name/.test(dataType) && { isFormatted: true }),
      ...(timeZone !== undefined && { timeZone }),
      ...(!writable && { description: note }),
    };
  });
  return [...fields, ...left];
}

/** Why a column is not writable. Undefined when it is. */
function readOnlyNote(
  { rights, isListed, generated, fullType }: Column,
  { create, update }: { create: boolean; update: boolean },
): string | undefined {
  if (generated) return 'The database generates it.';
  if (!isListed) return `What may be written to the type ${fullType} is not known.`;
  const isAllowed = (create || update) && (rights.update || !update) && (rights.insert || !create);
  return isAllowed ? undefined : 'The user may not write it.';
}

/** The capabilities that follow from the user's privileges and the table. */
export function tableRights(table: Table): { create: boolean; update: boolean; delete: boolean } {
  const { columns, updated, deleted, version, mayDelete } = table;
  const update = [updated, version].every((column) => !column || column.rights.update);
  return {
    update,
    create: whyNoRowsAreCreated(table) === undefined,
    // A delete locks the row first, which requires the UPDATE privilege.
    delete: deleted ? update && deleted.rights.update : mayDelete && columns.some(({ rights }) => rights.update),
  };
}

/** Undefined when they are. */
export function whyNoRowsAreCreated({ columns, ids, updated, key, deleted, version }: Table): string | undefined {
  if (key === undefined) return 'The connection has no keyColumn, so a retry could duplicate a row.';
  // The database sets columns without a value; key, time and fields are sent.
  const isGiven = (column: Column) => column === key || column === updated;
  const empty = [...ids, deleted, version].find((column) => column && !isGiven(column) && !isFilled(column));
  if (empty) return `Nothing gives the column ${empty.name} of a new row a value.`;
  const refused = columns.find((column) => !column.rights.insert && (isGiven(column) || !isFilled(column)));
  return refused && `The user may not insert rows with the column ${refused.name}.`;
}

function leftField({ name, fullType, rights }: CatalogColumn): RecordField {
  const description = rights.select ? `The type ${fullType} is not supported.` : 'The user may not read it.';
  return { name, type: 'UNSUPPORTED', writable: false, required: false, declaredType: fullType, description };
}

/** EXPLAIN checks privileges too. */
async function mayDelete(connection: SqlConnection, dialect: SqlDialect, table: string): Promise<boolean> {
  try {
    await connection.query(`EXPLAIN DELETE FROM ${table} WHERE FALSE`);
    return true;
  } catch (error) {
    const failure = dialect.failure(error);
    if (failure?.kind === 'CALL' && failure.error.reason === 'UNAUTHORISED') return false;
    throw error;
  }
}

function isFilled({ nullable, hasDefault, generated }: Column): boolean {
  return nullable || hasDefault || generated;
}

function catalogColumn([name, dataType, fullType, nullable, hasDefault, generated, precision, rights]: (
  | string
  | null
)[]): CatalogColumn {
  const names = rights?.split(',') ?? [];
  return {
    name: name ?? '',
    dataType: dataType ?? '',
    fullType: fullType ?? '',
    nullable: nullable === 'YES',
    hasDefault: hasDefault === 'YES',
    generated: generated === 'YES',
    precision: Number(precision ?? 0),
    rights: {
      select: names.includes('select'),
      insert: names.includes('insert'),
      update: names.includes('update'),
    },
  };
}

function required(column: Column | undefined): Column {
  if (!column) throw new Error('The configuration was not validated.');
  return column;
}

function missing(pointer: string, description: string): ConnectorError {
  return configurationError(pointer, { reason: 'NOT_FOUND', description });
}

function unfit(pointer: string, description: string): ConnectorError {
  return configurationError(pointer, { reason: 'WRONG_TYPE', description });
}
