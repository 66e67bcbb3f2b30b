import { connect as openSocket } from 'node:net';
import type { QueryError, ResultSetHeader } from 'mysql2/promise';
import { offsetMs } from '@rapport/contracts/filters';
import { configurationError, ConnectorError } from '../connector-error.js';
import { isDriverError } from './driver-error.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { SqlConnection, SqlDialect, SqlFailure } from './sql-dialect.js';
import type { CatalogColumn, Column } from './column.js';

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 30_000;

const fieldTypes: Record<string, Column['type']> = {
  tinyint: 'NUMBER',
  smallint: 'NUMBER',
  mediumint: 'NUMBER',
  int: 'NUMBER',
  bigint: 'DECIMAL',
  decimal: 'DECIMAL',
  float: 'NUMBER',
  double: 'NUMBER',
  year: 'NUMBER',
  date: 'DATE',
  timestamp: 'TIME',
  datetime: 'LOCAL_TIME',
};
const texts = [
  'char',
  'varchar',
  'tinytext',
  'text',
  'mediumtext',
  'longtext',
  'enum',
  'set',
  'time',
  'uuid',
  'inet4',
  'inet6',
];
const wholeNumbers = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'];

export const mariadbDialect: SqlDialect = {
  connect: connectMariadb,
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  schema: ({ database }) => database,
  catalogQuery: `
    SELECT column_name, data_type, column_type, is_nullable,
      IF(column_default IS NOT NULL OR extra LIKE '%auto_increment%', 'YES', 'NO'),
      IF(is_generated = 'ALWAYS', 'YES', 'NO'), CAST(datetime_precision AS CHAR), privileges
    FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`,
  // An index on a prefix of a column does not count.
  uniqueIndexQuery: `
    SELECT index_name, IF(sub_part IS NULL, column_name, '') FROM information_schema.statistics
    WHERE table_schema = ? AND table_name = ? AND non_unique = 0`,
  fieldType: ({ dataType, fullType }) => {
    const type =
      fullType === 'tinyint(1)' ? 'BOOLEAN' : (fieldTypes[dataType] ?? (texts.includes(dataType) ? 'TEXT' : undefined));
    return type && { type, isListed: true };
  },
  // As text, a float would have only its six guaranteed digits.
  text: ({ name, dataType }) => {
    const value = mariadbDialect.quote(name);
    return `CAST(${dataType === 'float' ? `CAST(${value} AS DOUBLE)` : value} AS CHAR)`;
  },
  value: comparedValue,
  // Columns without a zone hold the server's local time.
  now: ({ type, timeZone }) => {
    if (type === 'TIME') return 'NOW(6)';
    if (timeZone === undefined) return `CONVERT_TZ(NOW(6), '+00:00', @@global.time_zone)`;
    return `(NOW(6) + INTERVAL ${offsetMs(Date.now(), timeZone) * 1_000} MICROSECOND)`;
  },
  ago: (column, microseconds) =>
    `CAST(CAST(${mariadbDialect.now(column)} - INTERVAL ${microseconds} MICROSECOND AS DATETIME(${column.precision})) AS CHAR)`,
  boolean: (value) => (value ? '1' : '0'),
  failure: mariadbFailure,
};

/** A text that is compared with a number becomes a double, which conflates large numbers. */
function comparedValue({ dataType, fullType, type, precision }: CatalogColumn & Pick<Column, 'type'>): string {
  if (wholeNumbers.includes(dataType)) return `CAST(? AS ${fullType.includes('unsigned') ? 'UNSIGNED' : 'SIGNED'})`;
  if (dataType === 'decimal') return `CAST(? AS ${fullType.replace(/ .*/, '')})`;
  return type === 'TIME' || type === 'LOCAL_TIME' ? `CAST(? AS DATETIME(${precision}))` : '?';
}

async function connectMariadb(configuration: SqlConfiguration, address: string): Promise<SqlConnection> {
  const { host, port, database, user, password, tls, certificateAuthority: ca } = configuration;
  // Few tenants have such a connection: the driver is loaded for the first one.
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({
    host,
    // The name is for the certificate; the connection goes to the resolved address.
    stream: () => openSocket({ host: address, port, keepAlive: true }),
    database,
    user,
    password,
    ...(tls === 'VERIFIED' ? { ssl: { verifyIdentity: true, ...(ca ? { ca } : {}) } } : {}),
    connectTimeout: connectTimeoutMs,
    charset: 'utf8mb4_bin',
    rowsAsArray: true,
  });
  connection.on('error', () => undefined);
  await connection.query(
    `SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION',
      max_statement_time = ${statementTimeoutMs / 1_000}, innodb_lock_wait_timeout = 10`,
  );
  const run = async (text: string, values: (string | null)[] = []): Promise<unknown> =>
    (await connection.execute({ sql: text, timeout: statementTimeoutMs + 5_000 }, values))[0];
  return {
    query: async (text, values) => {
      const rows = await run(text, values);
      return Array.isArray(rows) ? (rows as (string | null)[][]) : [];
    },
    // The driver sets CLIENT_FOUND_ROWS, so unchanged rows count too.
    change: async (text, values) => ((await run(text, values)) as ResultSetHeader).affectedRows,
    destroy: () => connection.destroy(),
    close: () => connection.end(),
  };
}

/** The field of the configuration that an access error is about. */
const accessFields = new Map([
  [1044, '/database'],
  [1045, '/password'],
  [1142, '/user'],
  [1143, '/user'],
  [1698, '/password'],
]);
const rowErrors = [1048, 1062, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 1644, 3819, 4025];

function mariadbFailure(error: unknown): SqlFailure | undefined {
  if (!isDriverError(error)) return undefined;
  const { errno = 0, message } = error as Partial<QueryError> & Error;
  const call = (failure: ConnectorError): SqlFailure => ({ kind: 'CALL', error: failure });
  if ([1020, 1205, 1213].includes(errno)) return { kind: 'AGAIN' };
  const accessField = accessFields.get(errno);
  if (accessField !== undefined) {
    const violation = {
      reason: 'UNAUTHORISED',
      description: 'The server refuses this user, or the user lacks a privilege.',
    } as const;
    return call(configurationError(accessField, violation, { reason: 'UNAUTHORISED', cause: error }));
  }
  if (errno === 3159) {
    const violation = { reason: 'TLS_REQUIRED', description: 'The server takes encrypted connections only.' } as const;
    return call(configurationError('/tls', violation, { cause: error }));
  }
  if (errno === 1049) {
    return call(
      configurationError(
        '/database',
        { reason: 'NOT_FOUND', description: 'There is no such database.' },
        { cause: error },
      ),
    );
  }
  if ([1054, 1146].includes(errno))
    return call(new ConnectorError('SCHEMA_CHANGED', 'The table has changed.', { cause: error }));
  if ([1040, 1203, 1226].includes(errno)) {
    const details = { retryAfterMs: 10_000, cause: error };
    return call(new ConnectorError('RATE_LIMITED', 'This user has reached a limit of the server.', details));
  }
  if (rowErrors.includes(errno)) {
    // Only the message has the name, beside the value, which must not be logged.
    const field = /[Cc]olumn '([^']+)'|Field '([^']+)' doesn't/.exec(message)?.slice(1).find(Boolean);
    const issue = {
      reason: 'REFUSED',
      message: `The database refuses the row (${errno}).`,
      ...(field ? { field } : {}),
    };
    return { kind: 'ROW', issue, duplicate: errno === 1062 };
  }
  return call(
    new ConnectorError('UNAVAILABLE', 'The database cannot be reached, or ended the connection.', { cause: error }),
  );
}
