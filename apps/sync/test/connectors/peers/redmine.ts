import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { freePort } from '@rapport/testing';
import { startServer } from './server-process.js';

const run = promisify(execFile);
const installTimeoutMs = 900_000;
const packages = ['base-files', 'dash', 'coreutils', 'redmine', 'redmine-sqlite', 'puma'];
const environment =
  'export PATH=/usr/bin:/bin LANG=C.UTF-8 RAILS_ENV=production REDMINE_INSTANCE=default HOME=/root; cd /usr/share/redmine';

/** A real Redmine on a database of SQLite, in a root of its own. */
export interface Redmine {
  url: string;
  apiKey: string;
  request: (method: string, path: string, body?: object) => Promise<unknown>;
  /** Asks its database, beside Redmine. */
  query: (text: string) => Record<string, unknown>[];
  /** Kills it, and starts it again with what it had written. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

/** Unpacks Debian's packages of Redmine, with all that they need, into a folder: the machine itself gets none of them. */
export async function startRedmine(): Promise<Redmine> {
  if (process.getuid?.() !== 0) throw new Error('A root of its own for Redmine takes the rights of root.');
  const folder = await mkdtemp(join(tmpdir(), 'rapport-redmine-'));
  try {
    await unpack(folder);
    const apiKey = await setUp(folder);
    return await start(folder, apiKey);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** To apt, nothing is installed yet: so it fetches the whole of what the packages need, the C library too. */
async function unpack(folder: string): Promise<void> {
  const [state, cache, root] = ['state', 'cache', 'root'].map((name) => join(folder, name)) as [string, string, string];
  await Promise.all(
    [join(state, 'lists/partial'), join(cache, 'archives/partial'), root].map((path) =>
      mkdir(path, { recursive: true }),
    ),
  );
  await writeFile(join(state, 'status'), '');
  const own = [`Dir::State=${state}`, `Dir::State::status=${join(state, 'status')}`, `Dir::Cache=${cache}`];
  const options = [...own, 'APT::Sandbox::User=root', 'Acquire::Languages=none'].flatMap((each) => ['-o', each]);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...words: string[]) =>
    run('apt-get', [...options, ...words], { env, timeout: installTimeoutMs, maxBuffer: 16 * 1_024 * 1_024 });
  await apt('update', '-q');
  await apt('install', '-y', '-q', '--no-install-recommends', '--download-only', ...packages);
  const files = (await readdir(join(cache, 'archives'))).filter((name) => name.endsWith('.deb'));
  // The first one has the links of the root, such as `/lib`, through which others unpack.
  files.sort((one, other) => Number(other.startsWith('base-files_')) - Number(one.startsWith('base-files_')));
  for (const file of files) await run('dpkg-deb', ['--extract', join(cache, 'archives', file), root]);
  await rm(cache, { recursive: true });
}

/** Does what the packages' scripts would have done, without a service. @returns the key of the administrator */
async function setUp(folder: string): Promise<string> {
  const database = ['production:', '  adapter: sqlite3', '  database: /var/lib/redmine/redmine.db', '  timeout: 10000'];
  const script = [
    'set -e',
    environment,
    // Users and groups by number, for there is no list of them.
    `printf 'REDMINE_INSTANCES_%s\\n' OWNERSHIP=0:0 FOLLOW_FHS=yes ROOT=/var/lib/redmine > /etc/default/redmine`,
    'bin/redmine-instances create default',
    `printf '%s\\n' ${database.map((line) => `'${line}'`).join(' ')} > /etc/redmine/default/database.yml`,
    `printf '%s' ${'0123456789abcdef'.repeat(4)} > /etc/redmine/default/secret_key.txt`,
    'bundle install --local --quiet',
    'SCHEMA=/dev/null bundle exec rake db:migrate',
  ];
  const [program = '', ...words] = within(script.join('\n'));
  await run(program, words, { cwd: folder, timeout: installTimeoutMs, maxBuffer: 16 * 1_024 * 1_024 });
  const apiKey = '0123456789abcdef'.repeat(3).slice(0, 40);
  const now = "datetime('now')";
  const tables = open(folder, false);
  tables.exec(`
    INSERT INTO settings (name, value, updated_on) VALUES ('rest_api_enabled', '1', ${now});
    UPDATE users SET must_change_passwd = 0 WHERE login = 'admin';
    INSERT INTO tokens (user_id, action, value, created_on, updated_on)
      SELECT id, 'api', '${apiKey}', ${now}, ${now} FROM users WHERE login = 'admin'`);
  tables.close();
  return apiKey;
}

async function start(folder: string, apiKey: string): Promise<Redmine> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const puma = `${environment}; exec bundle exec puma --no-config --environment production --threads 1:4 --bind tcp://127.0.0.1:${port}`;
  const isReady = async () => (await fetch(`${url}/users.json`).catch(() => undefined))?.status === 401;
  const server = await startServer(folder, within(puma), isReady);
  const request = async (method: string, path: string, body?: object) => {
    const headers = { 'x-redmine-api-key': apiKey, 'content-type': 'application/json' };
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text.trim() === '' ? undefined : (JSON.parse(text) as unknown);
  };
  const query = (text: string) => {
    const tables = open(folder, true);
    const rows = tables.prepare(text).all();
    tables.close();
    return rows;
  };
  return { url, apiKey, request, query, restart: server.restart, stop: server.stop };
}

/** Wraps a command to run in a root of its own, the current folder. Its mounts are private and end with it. */
function within(script: string): string[] {
  const mounts =
    'mount --bind /dev root/dev && mount -t proc proc root/proc && exec chroot root /usr/bin/env -i /bin/sh -c "$1"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounts, 'sh', script];
}

function open(folder: string, readOnly: boolean): DatabaseSync {
  return new DatabaseSync(join(folder, 'root/var/lib/redmine/redmine.db'), { readOnly, timeout: 10_000 });
}
