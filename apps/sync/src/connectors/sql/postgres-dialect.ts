import pg from 'pg';
import { offsetMs } from '@rapport/contracts/filters';
import { configurationError, ConnectorError } from '../connector-error.js';
import { isDriverError } from './driver-error.js';
import type { SqlConfiguration } from './sql-configuration.js';
import type { SqlConnection, SqlDialect, SqlFailure } from './sql-dialect.js';
import type { CatalogColumn, Column } from './column.js';

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 30_000;

const fieldTypes: Record<string, Column['type']> = {
  smallint: 'NUMBER',
  integer: 'NUMBER',
  bigint: 'DECIMAL',
  numeric: 'DECIMAL',
  real: 'NUMBER',
  'double precision': 'NUMBER',
  boolean: 'BOOLEAN',
  date: 'DATE',
  'timestamp with time zone': 'TIME',
  'timestamp without time zone': 'LOCAL_TIME',
  json: 'JSON',
  jsonb: 'JSON',
  ...Object.fromEntries(
    ['text', 'character varying', 'character', 'name', 'citext', 'enum', 'uuid', 'xml', 'interval']
      .concat([
        'time without time zone',
        'time with time zone',
        'inet',
        'cidr',
        'macaddr',
        'macaddr8',
        'bit',
        'bit varying',
      ])
      .map((name) => [name, 'TEXT' as const]),
  ),
};

/** Bytes, arrays, and amounts whose text depends on the locale of the server. */
const unsupported = ['bytea', 'ARRAY', 'money'];

/** `localtimestamp` in the default time zone of the server. */
const serverTime = `(clock_timestamp() AT TIME ZONE (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'))`;

export const postgresDialect: SqlDialect = {
  connect: connectPostgres,
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  schema: ({ schema }) => schema,
  catalogQuery: `
    SELECT c.column_name,
      CASE WHEN c.data_type <> 'USER-DEFINED' THEN c.data_type WHEN y.typtype = 'e' THEN 'enum' ELSE c.udt_name END,
      CASE y.typtype WHEN 'd' THEN format_type(y.typbasetype, y.typtypmod)
        WHEN 'e' THEN (SELECT 'enum(' || string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) || ')'
          FROM pg_enum e WHERE e.enumtypid = y.oid)
        ELSE format_type(a.atttypid, a.atttypmod) END, c.is_nullable,
      CASE WHEN c.column_default IS NOT NULL OR c.is_identity = 'YES' THEN 'YES' ELSE 'NO' END,
      CASE WHEN c.is_generated = 'ALWAYS' OR c.identity_generation = 'ALWAYS' THEN 'YES' ELSE 'NO' END,
      c.datetime_precision,
      concat_ws(',', CASE WHEN has_column_privilege(t.oid, a.attnum, 'SELECT') THEN 'select' END,
        CASE WHEN has_column_privilege(t.oid, a.attnum, 'INSERT') THEN 'insert' END,
        CASE WHEN has_column_privilege(t.oid, a.attnum, 'UPDATE') THEN 'update' END)
    FROM information_schema.columns c JOIN pg_namespace n ON n.nspname = c.table_schema
      JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = c.table_name
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = c.column_name JOIN pg_type y ON y.oid = a.atttypid
    WHERE c.table_schema = ? AND c.table_name = ? ORDER BY c.ordinal_position`,
  uniqueIndexQuery: `
    SELECT i.indexrelid::text, a.attname::text
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY ((i.indkey::int2[])[0 : i.indnkeyatts - 1])
    WHERE n.nspname = ? AND t.relname = ? AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL`,
  fieldType: ({ dataType }) => {
    if (unsupported.includes(dataType)) return undefined;
    const type = fieldTypes[dataType];
    return type ? { type, isListed: true } : { type: 'TEXT', isListed: false };
  },
  text: ({ name }) => `${postgresDialect.quote(name)}::text`,
  value: () => '?',
  now: ({ type, timeZone }) => {
    if (type === 'TIME') return 'clock_timestamp()';
    if (timeZone === undefined) return serverTime;
    return `(clock_timestamp() AT TIME ZONE 'UTC' + interval '${offsetMs(Date.now(), timeZone)} milliseconds')`;
  },
  ago: (column, microseconds) =>
    `(${postgresDialect.now(column)} - interval '${microseconds} microseconds')::${castType(column)}::text`,
  boolean: String,
  failure: postgresFailure,
};

/** Rounded to the precision of the column. Otherwise a bound between two of its ticks would include changes still to come. */
function castType({ dataType, precision }: CatalogColumn): string {
  return dataType.replace('timestamp', `timestamp(${precision})`);
}

async function connectPostgres(configuration: SqlConfiguration, address: string): Promise<SqlConnection> {
  const { host, port, database, user, password, tls, certificateAuthority: ca } = configuration;
  const client = new pg.Client({
    host: address,
    port,
    database,
    user,
    password,
    ssl: tls === 'VERIFIED' ? { servername: host, ...(ca ? { ca } : {}) } : false,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 5_000,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    // The texts of values must not depend on the defaults of the server.
    options: '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1',
    types: { getTypeParser: () => (text: string) => text },
  });
  // The next statement reports a connection that broke while idle.
  client.on('error', () => undefined);
  await client.connect();
  const run = (text: string, values: (string | null)[] = []) =>
    client.query<(string | null)[]>({ text: numberValues(text), values, rowMode: 'array' as const });
  return {
    query: async (text, values) => (await run(text, values)).rows,
    change: async (text, values) => (await run(text, values)).rowCount ?? 0,
    destroy: () =>
      void (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(),
    close: () => client.end(),
  };
}

/** `$1`, `$2` for each `?` outside of quoted names. */
function numberValues(text: string): string {
  let number = 0;
  return text.replace(/"(?:[^"]|"")*"|\?/g, (found) => (found === '?' ? `$${(number += 1)}` : found));
}

function postgresFailure(error: unknown): SqlFailure | undefined {
  if (!isDriverError(error)) return undefined;
  const { code = '', column } = error as Partial<pg.DatabaseError>;
  const call = (failure: ConnectorError): SqlFailure => ({ kind: 'CALL', error: failure });
  if (['40001', '40P01', '55P03'].includes(code)) return { kind: 'AGAIN' };
  if (code === '28000' && error.message.endsWith('no encryption')) {
    const violation = { reason: 'TLS_REQUIRED', description: 'The server takes encrypted connections only.' } as const;
    return call(configurationError('/tls', violation, { cause: error }));
  }
  if (code.startsWith('28'))
    return call(unauthorised('/password', 'The server does not accept user and password.', error));
  if (code === '42501')
    return call(unauthorised('/user', 'The user lacks a right to the database, the schema or the table.', error));
  if (code === '3D000') {
    return call(
      configurationError(
        '/database',
        { reason: 'NOT_FOUND', description: 'There is no such database.' },
        { cause: error },
      ),
    );
  }
  if (['42P01', '42703', '42804'].includes(code)) {
    return call(new ConnectorError('SCHEMA_CHANGED', 'The table has changed.', { cause: error }));
  }
  if (['53300', '53400'].includes(code)) {
    return call(
      new ConnectorError('RATE_LIMITED', 'The server refuses further connections for now.', {
        retryAfterMs: 10_000,
        cause: error,
      }),
    );
  }
  if (/^(?:22|23|P0)/.test(code)) {
    const issue = {
      reason: 'REFUSED',
      message: `The database refuses the row (${code}).`,
      ...(column ? { field: column } : {}),
    };
    return { kind: 'ROW', issue, duplicate: code === '23505' };
  }
  return call(
    new ConnectorError('UNAVAILABLE', 'The database cannot be reached, or ended the connection.', { cause: error }),
  );
}

function unauthorised(pointer: string, description: string, cause: Error): ConnectorError {
  return configurationError(pointer, { reason: 'UNAUTHORISED', description }, { reason: 'UNAUTHORISED', cause });
}
