import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { DedicatedConnection } from '../src/index.js';
import { emptyDatabase } from './note-database.js';

let databaseUrl: string;
let superuser: pg.Client;
const logged: unknown[] = [];

beforeAll(async () => {
  ({ appUrl: databaseUrl } = await emptyDatabase());
  superuser = new pg.Client({ connectionString: inject('superuserUrl') });
  await superuser.connect();
  const log = (message: unknown) => logged.push(message);
  Logger.overrideLogger({ log, warn: log, error: log });
});
afterAll(() => superuser.end());
beforeEach(() => {
  logged.length = 0;
});

/** The server's view of the connections of that name. */
async function statesOf(name: string): Promise<string[]> {
  const { rows } = await superuser.query<{ state: string }>(
    'select state from pg_stat_activity where application_name = $1',
    [name],
  );
  return rows.map(({ state }) => state);
}

test('a query after close is refused and opens no connection', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new DedicatedConnection(
    `postgres://a:b@127.0.0.1:${(server.address() as AddressInfo).port}/x`,
    'after-the-end',
  );
  await connection.close();

  await expect(connection.query('select 1')).rejects.toThrow('The connection is closed.');

  server.close();
  expect(connections).toBe(0);
  expect(logged).toEqual([]);
});

test('closing while connecting leaves no connection and runs no query', async () => {
  const name = 'being-made';
  let asked = 0;
  const connection = new DedicatedConnection(databaseUrl, name, { onConnect: async () => (asked += 1) });
  const query = connection.query('select 1');
  const refused = expect(query).rejects.toThrow('The connection is closed.');

  await connection.close();

  await refused;
  await expect.poll(() => statesOf(name)).toEqual([]);
  expect(asked).toBe(0);
  expect(logged).toEqual([]);
});

test('closing does not wait for the running query, and logs no warning', async () => {
  const name = 'being-asked';
  const connection = new DedicatedConnection(databaseUrl, name);
  // Longer than this test may take; the server would end it with another error.
  const failed = expect(connection.query('select pg_sleep(30)')).rejects.toThrow('Connection terminated');
  await expect.poll(() => statesOf(name)).toEqual(['active']);

  await connection.close();

  await failed;
  expect(await statesOf(name)).toEqual(['active']);
  expect(logged).toEqual([]);
});

test('a statement with values is prepared once for each connection', async () => {
  const connection = new DedicatedConnection(databaseUrl, 'prepared');
  const sql = 'select $1::int as given';

  for (const given of [1, 2]) expect(await connection.query(sql, [given])).toEqual([{ given }]);

  expect(await connection.query('select statement from pg_prepared_statements')).toEqual([{ statement: sql }]);
  await connection.close();
});

test('a lost connection is logged once, and reopened', async () => {
  const connection = new DedicatedConnection(databaseUrl, 'lost');
  const lose = () => connection.query('select pg_terminate_backend(pg_backend_pid())');
  await expect(lose()).rejects.toThrow();
  await expect(lose()).rejects.toThrow();

  expect(await connection.query('select 1 as one')).toEqual([{ one: 1 }]);

  await connection.close();
  expect(logged).toEqual([expect.stringMatching(/^The connection failed/)]);
});
