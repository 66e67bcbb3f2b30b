import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@rapport/testing';
import { createConnection } from 'mysql2/promise';
import { findProgram } from './debian-program.js';
import { startServer } from './server-process.js';

const scripts = ['mariadb_system_tables.sql', 'mariadb_performance_tables.sql', 'mariadb_system_tables_data.sql'];

/** A real MariaDB with an administrator and nothing else, in a folder of its own. */
export interface Mariadb {
  port: number;
  /** Runs statements as the administrator. @returns the rows of the last one, as texts */
  query(text: string): Promise<string[][]>;
  /** Kills it, and starts it again with what it had written. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Installs MariaDB's server from Debian's package when it is missing and we are root. */
export async function startMariadb(): Promise<Mariadb> {
  // The programs only: the package `mariadb-server` would start a service.
  const program = await findProgram('mariadbd', 'mariadb-server-core');
  const folder = await mkdtemp(join(tmpdir(), 'rapport-mariadb-'));
  const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  const [user, password] = ['administrator', 'battery staple'];
  // One statement on each line, or the server reads none of them.
  const setUp = [
    `CREATE USER ${user}@'%' IDENTIFIED BY '${password}';`,
    `GRANT ALL ON *.* TO ${user}@'%' WITH GRANT OPTION;`,
    '',
  ].join('\n');
  await writeFile(join(folder, 'set-up.sql'), setUp);
  if (account) await chown(folder, account.uid, account.gid);
  const data = `--datadir=${join(folder, 'data')}`;
  await mkdir(join(folder, 'data'));
  if (account) await chown(join(folder, 'data'), account.uid, account.gid);
  await createSystemTables([program, '--no-defaults', data, '--bootstrap'], folder, account);

  const port = await freePort();
  const connect = () => createConnection({ host: '127.0.0.1', port, user, password, multipleStatements: true });
  const isReady = async () => {
    const connection = await connect().catch(() => undefined);
    await connection?.end();
    return connection !== undefined;
  };
  const options = [
    ...['--no-defaults', data, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${join(folder, 'socket')}`],
    ...[`--init-file=${join(folder, 'set-up.sql')}`, '--skip-name-resolve', '--innodb-flush-log-at-trx-commit=2'],
    ...['--innodb-buffer-pool-size=32M', '--character-set-server=utf8mb4'],
  ];
  const server = await startServer(folder, [program, ...options], isReady, account);
  const query = async (text: string) => {
    const connection = await connect();
    try {
      const [results] = await connection.query({ sql: text, rowsAsArray: true });
      // One statement answers its result, several answer a list of them.
      const last: unknown = Array.isArray(results) && text.includes(';') ? results.at(-1) : results;
      return Array.isArray(last) ? (last as unknown[][]).map((row) => row.map(String)) : [];
    } finally {
      await connection.end();
    }
  };
  return { port, query, restart: server.restart, stop: server.stop };
}

/** What `mariadb-install-db` does, which wants a program of another package. */
async function createSystemTables(
  [program = '', ...options]: string[],
  folder: string,
  account: { uid: number; gid: number } | undefined,
): Promise<void> {
  const texts = await Promise.all(scripts.map((name) => readFile(join('/usr/share/mariadb', name), 'utf8')));
  const server = spawn(program, options, { ...account, cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
  server.stdin.end(['CREATE DATABASE mysql;', 'USE mysql;', 'SET @auth_root_socket=NULL;', ...texts].join('\n'));
  const [code] = (await once(server, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`MariaDB could not make its tables (${code}).`);
}
