import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engines, installTimeoutMs, type TestDatabase } from './sql-databases.js';
import { SqlTable } from './sql-table.js';

// At the same time: some of them wait until a driver has waited long enough.
describe.concurrent.each(engines)('%s', (_engine, createDatabase) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  }, installTimeoutMs);
  afterAll(() => database.drop());

  describe('that cannot be connected to says why:', () => {
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
      const found = await Promise.all([violations({ engine }), violations({ engine, tls: 'VERIFIED' })]);
      const expected = { field: '/engine', reason: 'WRONG_ENGINE' };
      expect(found).toMatchObject([[expected], [expected]]);
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
