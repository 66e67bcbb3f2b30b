import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createPostgresDatabase,
  createSharedMariadbDatabase,
  installTimeoutMs,
  type TestDatabase,
} from './sql-databases.js';
import { SqlTable } from './sql-table.js';

const engines: [string, () => Promise<TestDatabase>][] = [
  ['PostgreSQL', createPostgresDatabase],
  ['MariaDB', createSharedMariadbDatabase],
];

describe.each(engines)('%s', (_engine, createDatabase) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  }, installTimeoutMs);
  afterAll(() => database.drop());

  describe('that can not be connected to says why:', () => {
    let web: Server;
    beforeAll(async () => {
      web = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
      await once(web, 'listening');
    });
    afterAll(() => web.close());

    const violations = async (change: object) => {
      const table = await SqlTable.open(database, 'people', { idColumn: 'id', ...change });
      return table.check().then(
        () => [],
        (error: { violations?: unknown[] }) => error.violations ?? error,
      );
    };

    test('nothing listens at the port', async () => {
      expect(await violations({ port: await freePort() })).toMatchObject([
        { field: '/port', reason: 'CONNECTION_REFUSED' },
      ]);
    });

    test('something else answers at the port', async () => {
      expect(await violations({ port: (web.address() as AddressInfo).port })).toMatchObject([
        { field: '/port', reason: 'WRONG_PORT' },
      ]);
    });

    test('it is the other database system', async () => {
      const engine = database.engine === 'POSTGRESQL' ? 'MARIADB' : 'POSTGRESQL';
      expect(await violations({ engine })).toMatchObject([{ field: '/engine', reason: 'WRONG_ENGINE' }]);
      expect(await violations({ engine, tls: 'VERIFIED' })).toMatchObject([
        { field: '/engine', reason: 'WRONG_ENGINE' },
      ]);
    });

    test('there is no encryption, or none that is trusted', async () => {
      // MariaDB has a certificate that it signed itself.
      const expected =
        database.engine === 'POSTGRESQL'
          ? { field: '/tls', reason: 'TLS_UNSUPPORTED' }
          : { field: '/certificateAuthority', reason: 'TLS_UNTRUSTED' };
      expect(await violations({ tls: 'VERIFIED' })).toMatchObject([expected]);
    });

    test('the password is wrong', async () => {
      expect(await violations({ password: 'wrong' })).toMatchObject([{ field: '/password', reason: 'UNAUTHORISED' }]);
    });
  });
});
