import { createHmac } from 'node:crypto';
import { freePort } from '@rapport/testing';
import type { WebhookDelivery } from '../../src/connectors/connector.js';
import { sqlConnector } from '../../src/connectors/sql/sql-connector.js';
import type { ConformancePeer } from './conformance-peer.js';
import { realEnvironment } from './real-environment.js';
import type { TestDatabase } from './sql-databases.js';

const webhookSecret = `whsec_${Buffer.alloc(24, 'key').toString('base64')}`;

/**
 * How a table is made: with soft deletes and ids of the database, or with hard ones and the caller's key as id. Both have a
 * binary column, which is no field.
 */
export type Shape = 'soft' | 'hard';

const tables = {
  POSTGRESQL: {
    soft: `CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "key" text UNIQUE, "the ""name""?" text NOT NULL,
      paid numeric(20, 4), born date, extra jsonb, secret bytea, deleted_at timestamptz, version int NOT NULL DEFAULT 1,
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
    hard: `CREATE TABLE people (id text PRIMARY KEY, "the ""name""?" text NOT NULL, secret bytea,
      updated_at timestamp NOT NULL DEFAULT clock_timestamp())`,
  },
  MARIADB: {
    soft: `CREATE TABLE people (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, \`key\` varchar(60) UNIQUE, \`the "name"?\` varchar(200) NOT NULL,
      paid decimal(20, 4), born date, extra longtext, secret blob, deleted_at datetime(6), version int NOT NULL DEFAULT 1,
      updated_at timestamp(6) NOT NULL DEFAULT NOW(6))`,
    hard: `CREATE TABLE people (id varchar(60) PRIMARY KEY, \`the "name"?\` varchar(200) NOT NULL, secret blob,
      updated_at datetime(6) NOT NULL DEFAULT NOW(6))`,
  },
};

/** The only table of a database, until it is stopped. */
export async function createSqlPeer(database: TestDatabase, shape: Shape): Promise<ConformancePeer> {
  const { engine, port, user, password } = database;
  const { environment, remove } = await realEnvironment();
  await database.run(tables[engine][shape]);
  const name = engine === 'POSTGRESQL' ? '"the ""name""?"' : '`the "name"?`';
  const now = engine === 'POSTGRESQL' ? 'clock_timestamp()' : 'NOW(6)';
  const column = async (text: string) => (await database.run(text)).map(([value = '']) => value);
  return {
    connector: sqlConnector,
    configuration: {
      ...{ engine, host: '127.0.0.1', port, database: database.database, user, password, tls: 'OFF' },
      ...{ table: 'people', idColumn: 'id', updatedColumn: 'updated_at', lateCommitSeconds: 0, webhookSecret },
      ...(shape === 'soft'
        ? { keyColumn: 'key', deletedColumn: 'deleted_at', versionColumn: 'version' }
        : { keyColumn: 'id' }),
    },
    environment,
    recordType: 'people',
    nameField: 'the "name"?',
    add: async (names) => {
      // One statement has one time.
      const time = engine === 'POSTGRESQL' ? 'now()' : 'NOW(6)';
      const values = names.map((own) =>
        shape === 'soft' ? `('${own}', ${time})` : `('${own}', ${time}, 'id-${own}')`,
      );
      const columns = `${name}, updated_at${shape === 'soft' ? '' : ', id'}`;
      await database.run(`INSERT INTO people (${columns}) VALUES ${values.join(', ')}`);
      const ids = new Map((await database.run(`SELECT ${name}, id FROM people`)).map(([own, id = '']) => [own, id]));
      return names.map((own) => ids.get(own) ?? '');
    },
    edit: async (id, own) =>
      void (await database.run(`UPDATE people SET ${name} = '${own}', updated_at = ${now} WHERE id = '${id}'`)),
    remove: async (id) => {
      const marked = `UPDATE people SET deleted_at = ${now}, updated_at = ${now} WHERE id = '${id}'`;
      await database.run(shape === 'soft' ? marked : `DELETE FROM people WHERE id = '${id}'`);
    },
    names: () => column(`SELECT ${name} FROM people ${shape === 'soft' ? 'WHERE deleted_at IS NULL' : ''}`),
    fields: (own) => ({ 'the "name"?': own }),
    wrong: [
      { change: { password: 'wrong password' }, field: '/password' },
      { change: { port: await freePort() }, field: '/port' },
      { change: { database: 'nothing' }, field: '/database' },
      { change: { table: 'nothing' }, field: '/table' },
      { change: { idColumn: 'nothing' }, field: '/idColumn' },
      { change: { updatedColumn: 'the "name"?' }, field: '/updatedColumn' },
      { change: { host: 'a b' }, field: '/host' },
    ],
    addUnknown: async (id) =>
      void (await database.run(`UPDATE people SET secret = ${bytes(engine)} WHERE id = '${id}'`)),
    hasUnknown: async (id) =>
      (await column(`SELECT 'kept' FROM people WHERE secret = ${bytes(engine)} AND id = '${id}'`)).length === 1,
    limit: () => database.limit(),
    deliver: (ids) => signed(JSON.stringify({ table: 'people', ids })),
    stop: async () => {
      await database.run('DROP TABLE people');
      await remove();
    },
  };
}

function bytes(engine: TestDatabase['engine']): string {
  return engine === 'POSTGRESQL' ? `'\\x00ff'::bytea` : `x'00ff'`;
}

/** As the application beside the table does it (Standard Webhooks). */
function signed(text: string): WebhookDelivery {
  const key = Buffer.from(webhookSecret.slice('whsec_'.length), 'base64');
  const [id, timestamp] = ['message-1', String(Math.floor(Date.now() / 1_000))];
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64');
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
  return { headers, body: Buffer.from(text) };
}
