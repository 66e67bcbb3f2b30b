import type { ConnectorEnvironment } from '../connector-environment.js';
import type { Connector, Page, Peer, ReadKeysRequest, ReadRequest, WriteRequest, WriteResult } from '../connector.js';
import type { ConnectorDescription, PeerDescription } from '../description.js';
import type { PeerRecord, RecordKey } from '../peer-record.js';
import { checkRecordType } from '../record-type.js';
import { writeEach } from '../write-each.js';
import { mariadbDialect } from './mariadb-dialect.js';
import { postgresDialect } from './postgres-dialect.js';
import { parseRowWebhook, verifyRowWebhook } from './row-webhook.js';
import { checkSqlConfiguration, sqlConfigurationSchema, type SqlConfiguration } from './sql-configuration.js';
import type { SqlDialect } from './sql-dialect.js';
import { SqlSessions } from './sql-session.js';
import { tableFields, tableRights, whyNoRowsAreCreated } from './table.js';
import { RowWriter } from './write-row.js';

const defaultPageSize = 200;
const keysPageSize = 1_000;

const description: ConnectorDescription = {
  name: 'sql',
  title: 'Table of PostgreSQL or MariaDB',
  version: '1.0.0',
  configurationSchema: sqlConfigurationSchema,
  webhooks: true,
};

/** The rows of one table. Its name is the record type, its columns are the fields. */
export const sqlConnector: Connector = {
  description,
  connect: (configuration, environment) => new SqlPeer(checkSqlConfiguration(configuration), environment),
  verifyWebhook: verifyRowWebhook,
  parseWebhook: parseRowWebhook,
};

class SqlPeer implements Peer {
  readonly #configuration: SqlConfiguration;
  readonly #dialect: SqlDialect;
  readonly #sessions: SqlSessions;

  constructor(configuration: SqlConfiguration, environment: ConnectorEnvironment) {
    this.#configuration = configuration;
    this.#dialect = configuration.engine === 'POSTGRESQL' ? postgresDialect : mariadbDialect;
    this.#sessions = new SqlSessions(configuration, this.#dialect, environment);
  }

  keepSessions(): () => Promise<void> {
    return this.#sessions.keep();
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#sessions.run(signal, ({ connection, reader }) => connection.query(`${reader.select} LIMIT 1`));
  }

  async describe(signal: AbortSignal): Promise<PeerDescription> {
    return this.#sessions.run(signal, async ({ table }) => {
      const capabilities = {
        incremental: true,
        deletes: table.deleted ? 'TOMBSTONES' : 'MISSING_KEYS',
        ...tableRights(table),
        preconditions: true,
      } as const;
      const createDescription = whyNoRowsAreCreated(table);
      return {
        recordTypes: [{ name: this.#configuration.table, fields: tableFields(table), capabilities, createDescription }],
      };
    });
  }

  async *read({ recordType, cursor, pageSize = defaultPageSize, signal }: ReadRequest): AsyncGenerator<Page> {
    checkRecordType(recordType, [this.#configuration.table]);
    const { lateCommitSeconds } = this.#configuration;
    yield* this.#sessions.stream(signal, ({ reader }) => reader.pages(cursor, pageSize, lateCommitSeconds));
  }

  async *readKeys({ recordType, pageSize = keysPageSize, signal }: ReadKeysRequest): AsyncGenerator<RecordKey[]> {
    checkRecordType(recordType, [this.#configuration.table]);
    yield* this.#sessions.stream(signal, ({ reader }) => reader.keys(pageSize));
  }

  async readOne(recordType: string, id: string, signal: AbortSignal): Promise<PeerRecord | undefined> {
    checkRecordType(recordType, [this.#configuration.table]);
    return this.#sessions.run(signal, async ({ reader }) => {
      try {
        return reader.record(await reader.row(id));
      } catch (error) {
        // A text that is invalid for the type of the column is no id.
        if (this.#dialect.failure(error)?.kind === 'ROW') return undefined;
        throw error;
      }
    });
  }

  async write({ recordType, items, signal }: WriteRequest): Promise<WriteResult[]> {
    checkRecordType(recordType, [this.#configuration.table]);
    return this.#sessions.run(signal, ({ connection, table, reader }) => {
      const writer = new RowWriter(connection, this.#dialect, table, reader);
      return writeEach(items, signal, (item) => writer.write(item));
    });
  }
}
