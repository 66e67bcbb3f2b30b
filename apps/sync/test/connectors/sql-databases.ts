import { randomBytes } from 'node:crypto';
import { sharedByFiles } from '@rapport/testing';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { inject } from 'vitest';
import { askDatabase } from '../ask-database.ts';
import { startMariadb, type Mariadb } from './peers/mariadb.js';

/** The first time Debian's package is installed. */
export const installTimeoutMs = 360_000;

/** Of the files that need databases of their own and nothing else. */
const sharedMariadb = sharedByFiles(startMariadb, (mariadb) => mariadb.stop());

/** `application_name` of the sessions with PostgreSQL by which tests run statements. */
export const testSessions = 'test';

/** Tables of its own on a real server, and what tests do to them behind the connector's back. */
export interface TestDatabase {
  engine: 'POSTGRESQL' | 'MARIADB';
  database: string;
  port: number;
  user: string;
  password: string;
  run(text: string): Promise<string[][]>;
  /** Another user with these rights to a table only. @param rights such as `SELECT (id, name)` */
  userWith(table: string, ...rights: string[]): Promise<Pick<TestDatabase, 'user' | 'password'>>;
  /** Makes the server refuse the connector's user for a while. @returns ends that */
  limit(): Promise<() => Promise<void>>;
  drop(): Promise<void>;
}

export async function createPostgresDatabase(): Promise<TestDatabase> {
  const { name, password } = newNames();
  await asSuperuser(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  await asSuperuser(`CREATE DATABASE ${name} OWNER ${name}`);
  const { run, end } = runner(name, name, password);
  const others: string[] = [];
  return {
    ...{ engine: 'POSTGRESQL', database: name, port: postgresPort(), user: name, password, run },
    userWith: async (table, ...rights) => {
      const other = newNames();
      await asSuperuser(`CREATE ROLE ${other.name} LOGIN PASSWORD '${other.password}'`);
      others.push(other.name);
      await run(`GRANT ${rights.join(', ')} ON ${table} TO ${other.name}`);
      return { user: other.name, password: other.password };
    },
    limit: async () => {
      await asSuperuser(`ALTER ROLE ${name} CONNECTION LIMIT 0`);
      return async () => void (await asSuperuser(`ALTER ROLE ${name} CONNECTION LIMIT -1`));
    },
    drop: async () => {
      await end();
      await asSuperuser(`DROP DATABASE ${name} WITH (FORCE)`);
      await asSuperuser(`DROP ROLE ${[name, ...others].join(', ')}`);
    },
  };
}

/** Both engines, with what makes a database of each. */
export const engines: readonly [name: string, createDatabase: () => Promise<TestDatabase>][] = [
  ['PostgreSQL', createPostgresDatabase],
  ['MariaDB', createSharedMariadbDatabase],
];

export type PostgresSchema = Pick<TestDatabase, 'database' | 'port' | 'user' | 'password' | 'run'>;

/** A schema of its own, which is made in a tenth of the time that a database takes. It is called as its user. */
export async function createPostgresSchema(): Promise<PostgresSchema> {
  const { name, password } = newNames();
  await asSuperuser(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'; CREATE SCHEMA ${name} AUTHORIZATION ${name}`);
  const { run } = runner('postgres', name, password);
  return { database: 'postgres', port: postgresPort(), user: name, password, run };
}

/** On a server that files share. The first call starts it. */
export async function createSharedMariadbDatabase(): Promise<TestDatabase> {
  return createMariadbDatabase(await sharedMariadb());
}

export async function createMariadbDatabase(mariadb: Mariadb): Promise<TestDatabase> {
  const { name: database, password } = newNames();
  const user = `'${database}'@'%'`;
  const run = (text: string) => mariadb.query(`USE ${database}; ${text}`);
  await mariadb.query(`CREATE DATABASE ${database}`);
  await mariadb.query(`CREATE USER ${user} IDENTIFIED BY '${password}'; GRANT ALL ON ${database}.* TO ${user}`);
  return {
    ...{ engine: 'MARIADB', database, port: mariadb.port, user: database, password },
    run,
    userWith: async (table, ...rights) => {
      const other = newNames();
      await run(`CREATE USER '${other.name}'@'%' IDENTIFIED BY '${other.password}'`);
      await run(`GRANT ${rights.join(', ')} ON ${table} TO '${other.name}'@'%'`);
      return { user: other.name, password: other.password };
    },
    limit: async () => {
      await run(`ALTER USER ${user} WITH MAX_USER_CONNECTIONS 1`);
      const only = await createConnection({ host: '127.0.0.1', port: mariadb.port, user: database, password });
      return async () => {
        await only.end();
        await run(`ALTER USER ${user} WITH MAX_USER_CONNECTIONS 0`);
      };
    },
    drop: async () => void (await mariadb.query(`DROP DATABASE ${database}; DROP USER ${user}`)),
  };
}

function newNames() {
  return { name: `peer_${randomBytes(6).toString('hex')}`, password: randomBytes(12).toString('hex') };
}

function asSuperuser(text: string): Promise<object[]> {
  return askDatabase(inject('superuserUrl'), text);
}

function postgresPort(): number {
  return Number(new URL(inject('superuserUrl')).port);
}

/** Runs statements as a user, over a connection that is kept while there is much to run. */
function runner(database: string, user: string, password: string) {
  const login = { host: '127.0.0.1', port: postgresPort(), database, user, password, application_name: testSessions };
  const pool = new pg.Pool({ ...login, max: 1, idleTimeoutMillis: 1_000, allowExitOnIdle: true });
  // Of a connection that ended while it was kept, the next statement does without.
  pool.on('error', () => undefined);
  const run = async (text: string) =>
    (await pool.query<object>(text)).rows.map((row) => Object.values(row).map(String));
  return { run, end: () => pool.end() };
}
