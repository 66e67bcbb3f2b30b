import type { Peer, WriteItem, WriteResult } from '../../src/connectors/connector.js';
import type { JsonObject, PeerRecord } from '../../src/connectors/peer-record.js';
import { sqlConnector } from '../../src/connectors/sql/sql-connector.js';
import { collect } from './conformance-run.js';
import { realEnvironment } from './real-environment.js';
import type { TestDatabase } from './sql-databases.js';

const { signal } = new AbortController();

/** One table of a test database, through the connector. */
export class SqlTable {
  private constructor(
    readonly peer: Peer,
    readonly name: string,
  ) {}

  /** @param settings besides those that lead to the table */
  static async open(database: TestDatabase, name: string, settings: JsonObject): Promise<SqlTable> {
    const { engine, port, user, password } = database;
    const { environment } = await realEnvironment();
    const configuration = {
      ...{ engine, host: '127.0.0.1', port, database: database.database, user, password, tls: 'OFF' },
      ...{ table: name, updatedColumn: 'updated_at', lateCommitSeconds: 0, ...settings },
    };
    return new SqlTable(sqlConnector.connect(configuration, environment), name);
  }

  check(): Promise<void> {
    return this.peer.check(signal);
  }

  async describe() {
    const { recordTypes } = await this.peer.describe(signal);
    const [type] = recordTypes;
    if (!type) throw new Error('The peer has no record type.');
    return type;
  }

  async records(pageSize = 100): Promise<PeerRecord[]> {
    const pages = await collect(this.peer.read({ recordType: this.name, pageSize, signal }));
    return pages.flatMap(({ items }) => items.flatMap((item) => (item.kind === 'RECORD' ? [item.record] : [])));
  }

  async keys(pageSize = 100): Promise<string[]> {
    return (await collect(this.peer.readKeys({ recordType: this.name, pageSize, signal }))).flat().map(({ id }) => id);
  }

  one(id: string): Promise<PeerRecord | undefined> {
    return this.peer.readOne(this.name, id, signal);
  }

  /** By one call. @returns the results in the order of the items */
  writeAll(items: WriteItem[]): Promise<WriteResult[]> {
    return this.peer.write({ recordType: this.name, items, signal });
  }

  async write(item: WriteItem): Promise<WriteResult | undefined> {
    return (await this.writeAll([item]))[0];
  }

  async update(id: string, fields: JsonObject): Promise<WriteResult | undefined> {
    const { version = '' } = (await this.one(id)) ?? {};
    return this.write({ kind: 'UPDATE', id, expectedVersion: version, fields });
  }

  async delete(id: string): Promise<WriteResult | undefined> {
    const { version = '' } = (await this.one(id)) ?? {};
    return this.write({ kind: 'DELETE', id, expectedVersion: version });
  }
}
