import { randomBytes } from 'node:crypto';
import { queryDatabase } from '@rapport/testing';
import { createConnection } from 'mysql2/promise';
import { inject } from 'vitest';
import type { Mariadb } from './peers/mariadb.js';

/** A database of its own on a real server, and what tests do to it behind the connector's back. */
export interface TestDatabase {
  engine: 'POSTGRESQL' | 'MARIADB';
  database: string;
  port: number;
  user: string;
  password: string;
  run(text: string): Promise<string[][]>;
  /** Makes the server refuse the connector's user for a while. @returns ends that */
  limit(): Promise<() => Promise<void>>;
  drop(): Promise<void>;
}

export async function createPostgresDatabase(): Promise<TestDatabase> {
  const superuserUrl = inject('superuserUrl');
  const { database, password } = newNames();
  await queryDatabase(superuserUrl, `CREATE ROLE ${database} LOGIN PASSWORD '${password}'`);
  await queryDatabase(superuserUrl, `CREATE DATABASE ${database} OWNER ${database}`);
  const own = new URL(superuserUrl);
  [own.pathname, own.username, own.password] = [database, database, password];
  return {
    ...{ engine: 'POSTGRESQL', database, port: Number(own.port), user: database, password },
    run: async (text) => (await queryDatabase(own.href, text)).map((row) => Object.values(row).map(String)),
    limit: async () => {
      await queryDatabase(superuserUrl, `ALTER ROLE ${database} CONNECTION LIMIT 0`);
      return async () => void (await queryDatabase(superuserUrl, `ALTER ROLE ${database} CONNECTION LIMIT -1`));
    },
    drop: async () => {
      await queryDatabase(superuserUrl, `DROP DATABASE ${database} WITH (FORCE)`);
      await queryDatabase(superuserUrl, `DROP ROLE ${database}`);
    },
  };
}

export async function createMariadbDatabase(mariadb: Mariadb): Promise<TestDatabase> {
  const { database, password } = newNames();
  const user = `'${database}'@'%'`;
  const run = (text: string) => mariadb.query(`USE ${database}; ${text}`);
  await mariadb.query(`CREATE DATABASE ${database}`);
  await mariadb.query(`CREATE USER ${user} IDENTIFIED BY '${password}'; GRANT ALL ON ${database}.* TO ${user}`);
  return {
    ...{ engine: 'MARIADB', database, port: mariadb.port, user: database, password },
    run,
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
  return { database: `peer_${randomBytes(6).toString('hex')}`, password: randomBytes(12).toString('hex') };
}
