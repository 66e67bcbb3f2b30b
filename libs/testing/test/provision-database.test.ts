import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { copyDatabase, DatabaseCopies, provisionDatabase, startEmbeddedPostgres } from '../src/index.js';
import { postgresTemplate, sharedPostgres } from './shared-postgres.js';

const postgres = await sharedPostgres();

test("lets the app role read and write the owner's tables, and nothing more", async () => {
  const { ownerUrl, appUrl } = await provisionDatabase(postgres.superuserUrl, 'orders');
  await run(ownerUrl, 'CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY, name text)');

  await run(
    appUrl,
    `INSERT INTO item (name) VALUES ('a'); UPDATE item SET name = 'b'; SELECT * FROM item; DELETE FROM item`,
  );

  await expect(run(appUrl, 'DROP TABLE item')).rejects.toThrow('must be owner');
  await expect(run(appUrl, 'TRUNCATE item')).rejects.toThrow('permission denied');
  await expect(run(appUrl, 'CREATE TABLE mine ()')).rejects.toThrow('permission denied');
});

test('binds the app role by row-level security', async () => {
  const { ownerUrl, appUrl } = await provisionDatabase(postgres.superuserUrl, 'secured');
  await run(ownerUrl, 'CREATE TABLE item AS SELECT 1 AS id; ALTER TABLE item ENABLE ROW LEVEL SECURITY');

  expect(await run(appUrl, 'SELECT * FROM item')).toEqual([]);
});

test('denies the roles of one database access to another', async () => {
  await provisionDatabase(postgres.superuserUrl, 'first');
  const second = await provisionDatabase(postgres.superuserUrl, 'second');
  const foreign = new URL(second.appUrl);
  foreign.pathname = 'first';

  await expect(run(foreign.href, 'SELECT 1')).rejects.toThrow('permission denied for database');
});

test('a copy has the tables, rights and rows of its source, and is independent of it', async () => {
  const source = await provisionDatabase(postgres.superuserUrl, 'source');
  await run(
    source.ownerUrl,
    `CREATE TABLE item AS SELECT 1 AS id; ALTER TABLE item ENABLE ROW LEVEL SECURITY;
    CREATE POLICY visible ON item USING (id < 2)`,
  );
  const stranger = await provisionDatabase(postgres.superuserUrl, 'stranger');

  const copy = await copyDatabase(postgres.superuserUrl, source, 'copied');
  await run(copy.ownerUrl, 'CREATE TABLE later (id int); INSERT INTO item VALUES (2)');

  expect(await run(copy.appUrl, 'SELECT id FROM item')).toEqual([{ id: 1 }]);
  await run(copy.appUrl, 'INSERT INTO later VALUES (1)');
  await expect(run(copy.appUrl, 'CREATE TABLE mine ()')).rejects.toThrow('permission denied');
  await expect(run(source.appUrl, 'SELECT FROM later')).rejects.toThrow('does not exist');
  const foreign = new URL(stranger.appUrl);
  foreign.pathname = 'copied';
  await expect(run(foreign.href, 'SELECT 1')).rejects.toThrow('permission denied for database');
  expect(await run(copy.appUrl, 'SHOW log_min_error_statement')).toEqual([{ log_min_error_statement: 'panic' }]);
});

test('copies for tests are prepared once, and independent', async () => {
  let preparations = 0;
  const copies = new DatabaseCopies('notes', async ({ ownerUrl }) => {
    preparations += 1;
    await run(ownerUrl, 'CREATE TABLE note (text text)');
  });

  const [first, second] = await Promise.all([copies.next(postgres.superuserUrl), copies.next(postgres.superuserUrl)]);
  await run(first.appUrl, `INSERT INTO note VALUES ('mine')`);

  expect(preparations).toBe(1);
  expect(await run(second.appUrl, 'SELECT * FROM note')).toEqual([]);
});

test('changes the passwords of an existing database, and keeps its rows', async () => {
  const before = await provisionDatabase(postgres.superuserUrl, 'kept');
  await run(before.ownerUrl, 'CREATE TABLE item AS SELECT 1 AS id');

  const after = await provisionDatabase(postgres.superuserUrl, 'kept', { appPassword: "it's 100% new/?" });

  expect(await run(after.appUrl, 'SELECT id FROM item')).toEqual([{ id: 1 }]);
  await expect(run(before.appUrl, 'SELECT 1')).rejects.toThrow('password authentication failed');
});

test('keeps statements and their values out of the server’s log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-log-'));
  const logFile = join(folder, 'postgres.log');
  // Its own server, because the test reads its log.
  const logging = await startEmbeddedPostgres({ logFile, template: await postgresTemplate() });
  const { ownerUrl } = await provisionDatabase(logging.superuserUrl, 'discreet');
  await run(ownerUrl, 'CREATE TABLE person (name text PRIMARY KEY)');

  await expect(run(ownerUrl, `INSERT INTO person VALUES ('Ada'), ('Ada')`)).rejects.toThrow('duplicate key');
  await logging.stop();

  const log = await readFile(logFile, 'utf8');
  expect(log).toContain('duplicate key value violates unique constraint');
  expect(log).not.toContain('Ada');
  await rm(folder, { recursive: true });
});

async function run(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
