import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../src/index.js';
import { postgresTemplate, sharedPostgres } from './shared-postgres.js';

// Each test has its own server: it is killed, or checked after its end.

test('serves text in any language the same on every machine', async () => {
  const postgres = await sharedPostgres();
  const [row] = await query<{ upper: string; trigrams: string[] }>(
    postgres.superuserUrl,
    `CREATE EXTENSION pg_trgm; SELECT upper('žluťoučký ώ'), show_trgm('ώμή') AS trigrams`,
  );
  expect(row?.upper).toBe('ŽLUŤOUČKÝ Ώ');
  expect(row?.trigrams).not.toEqual([]);
});

test('keeps its data in a folder that only root can reach', async () => {
  const folder = await privateFolder();
  const dataDir = join(folder, 'data');
  try {
    const first = await startEmbeddedPostgres({ dataDir });
    await query(first.superuserUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();

    const second = await startEmbeddedPostgres({ dataDir });
    const rows = await query(second.superuserUrl, 'SELECT answer FROM kept');
    await second.stop();

    expect(rows).toEqual([{ answer: 42 }]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('starts again after the server was killed, once its processes have ended', async () => {
  const folder = await privateFolder();
  const template = await postgresTemplate();
  try {
    const first = await startEmbeddedPostgres({ dataDir: folder, template });
    const connected = new pg.Client({ connectionString: first.superuserUrl });
    const lost = once(connected, 'error');
    await connected.connect();
    const { rows } = await connected.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const [{ pid: backend }] = rows as [{ pid: number }];
    // It holds the memory of the server for as long as it does not notice its end.
    process.kill(backend, 'SIGSTOP');
    process.kill(await serverPid(first.superuserUrl), 'SIGKILL');
    await first.stop();
    // So long a start waits at least.
    setTimeout(() => process.kill(backend, 'SIGKILL'), 300);

    const second = await startEmbeddedPostgres({ dataDir: folder });
    await lost;
    expect(await query(second.superuserUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('ignores a pid file whose pid belongs to another server', async () => {
  const folder = await privateFolder();
  const template = await postgresTemplate();
  const other = await sharedPostgres();
  try {
    const first = await startEmbeddedPostgres({ dataDir: folder, template });
    await first.stop();
    const stale = `${await serverPid(other.superuserUrl)}\n${folder}\n`;
    await writeFile(join(folder, 'cluster/postmaster.pid'), stale);

    const second = await startEmbeddedPostgres({ dataDir: folder });
    await second.stop();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('ends, and leaves no temporary data, when the process that started it is killed', async () => {
  const folder = await privateFolder();
  await chmod(folder, 0o755);
  const script = `
    const { startEmbeddedPostgres } = await import('@rapport/testing');
    console.log((await startEmbeddedPostgres({ template: ${JSON.stringify(await postgresTemplate())} })).superuserUrl);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: folder },
  });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const server = await serverPid(output.toString().trim());

  parent.kill('SIGKILL');

  await expect.poll(() => isRunning(server), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => readdir(folder), { timeout: 10_000 }).toEqual([]);
  await rm(folder, { recursive: true });
});

async function serverPid(superuserUrl: string): Promise<number> {
  const [row] = await query<{ file: string }>(superuserUrl, `SELECT pg_read_file('postmaster.pid') AS file`);
  return Number.parseInt(row?.file ?? '', 10);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function privateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-test-'));
  await chmod(folder, 0o700);
  return folder;
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = (await client.query<Row>(sql)) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  } finally {
    await client.end();
  }
}
