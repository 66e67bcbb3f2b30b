import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@rapport/testing';
import { startServer } from './server-process.js';

const run = promisify(execFile);
const version = '12.4.0';
const installTimeoutMs = 900_000;

/** A real Directus on an empty database, in a folder of its own. */
export interface Directus {
  url: string;
  token: string;
  /** @returns what `data` of the answer has */
  request: (method: string, path: string, body?: object) => Promise<unknown>;
  /** Kills it, and starts it again with what it had written. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Installs Directus from its package. @param databaseUrl of an empty database of PostgreSQL, since its driver has nothing to compile */
export async function startDirectus(databaseUrl: string): Promise<Directus> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-directus-'));
  try {
    await install(folder);
    return await start(folder, databaseUrl);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function install(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', '--loglevel=error'];
  await run('npm', ['install', ...options, `directus@${version}`], { cwd: folder, timeout: installTimeoutMs });
  // It has no binary, and to compile it takes the headers of Node. Only scripts in flows need it, and there are no flows here.
  await writeFile(join(folder, 'node_modules/isolated-vm/isolated-vm.js'), 'module.exports = {};');
}

async function start(folder: string, databaseUrl: string): Promise<Directus> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const token = 'correct-horse-of-directus';
  const settings = {
    ...{ HOST: '127.0.0.1', PORT: String(port), PUBLIC_URL: url, LOG_LEVEL: 'warn', TELEMETRY: 'false' },
    ...{ DB_CLIENT: 'pg', DB_CONNECTION_STRING: databaseUrl, KEY: 'directus', SECRET: 'battery staple of Directus' },
    ...{ ADMIN_EMAIL: 'ada@example.com', ADMIN_PASSWORD: 'correct horse', ADMIN_TOKEN: token },
  };
  const cli = join(folder, 'node_modules/directus/cli.js');
  const env = { ...process.env, ...settings };
  await run(process.execPath, [cli, 'bootstrap'], { cwd: folder, env, timeout: installTimeoutMs });
  const environment = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const isReady = async () => (await fetch(`${url}/server/ping`).catch(() => undefined))?.ok === true;
  const server = await startServer(folder, ['env', ...environment, process.execPath, cli, 'start'], isReady);
  const request = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as { data: unknown }).data;
  };
  return { url, token, request, restart: server.restart, stop: server.stop };
}
