import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@rapport/testing';
import { findPythonWith } from './debian-program.js';
import { startServer } from './server-process.js';

/** A real Radicale (CardDAV) with one account, in a folder of its own. */
export interface Radicale {
  url: string;
  username: string;
  password: string;
  /** Makes an address book. @returns its URL */
  createAddressBook(name: string): Promise<string>;
  request(method: string, url: string, body?: string, headers?: Record<string, string>): Promise<Response>;
  /** Expires its sync tokens, as it does with old ones. */
  forgetSyncTokens(): Promise<void>;
  /** Kills it, and starts it again with what it had written. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Installs Radicale from Debian's package when it is missing and we are root. */
export async function startRadicale(): Promise<Radicale> {
  // The module only: the package `radicale` would start a service.
  const python = await findPythonWith('radicale', 'python3-radicale');
  const folder = await mkdtemp(join(tmpdir(), 'rapport-radicale-'));
  const port = await freePort();
  const [username, password] = ['ada', 'correct horse'];
  const collections = join(folder, 'collections');
  await writeFile(join(folder, 'users'), `${username}:${password}\n`, { mode: 0o600 });
  await writeFile(join(folder, 'config'), configuration(port, join(folder, 'users'), collections), { mode: 0o600 });
  const url = `http://127.0.0.1:${port}/`;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const request = (method: string, target: string, body?: string, headers: Record<string, string> = {}) =>
    fetch(target, { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) });

  const isReady = async () => (await fetch(url, { redirect: 'manual' }).catch(() => undefined)) !== undefined;
  const server = await startServer(folder, [python, '-m', 'radicale', '--config', join(folder, 'config')], isReady);
  return {
    url,
    username,
    password,
    createAddressBook: async (name) => {
      const book = `${url}${username}/${encodeURIComponent(name)}/`;
      const made = await request('MKCOL', book, addressBookProperties(name));
      if (made.status !== 201) throw new Error(`MKCOL answered ${made.status}.`);
      return book;
    },
    request,
    forgetSyncTokens: async () => {
      for (const path of await readdir(collections, { recursive: true })) {
        if (path.endsWith('/sync-token')) await rm(join(collections, path), { recursive: true });
      }
    },
    restart: server.restart,
    stop: server.stop,
  };
}

function configuration(port: number, users: string, collections: string): string {
  return `[server]
hosts = 127.0.0.1:${port}
[auth]
type = htpasswd
htpasswd_filename = ${users}
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = ${collections}
[logging]
level = warning
`;
}

function addressBookProperties(name: string): string {
  return `<?xml version="1.0"?>
<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>
  <resourcetype><collection/><C:addressbook/></resourcetype><displayname>${name}</displayname>
</prop></set></mkcol>`;
}
