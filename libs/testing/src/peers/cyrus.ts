import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, chmod, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ImapFlow } from 'imapflow';
import { freePort } from '../free-port.js';
import { debianRoot } from './debian-root.js';
import type { ImapServer } from './imap-server.js';
import { RootServer } from './root-server.js';

const cyrusUser = 5_201;

/** The user that may create and delete the mailboxes of all users. */
const admin = 'cyrus';

/** The root of Debian's Cyrus. */
export function cyrusRoot(): Promise<string> {
  return debianRoot({
    ...{ name: 'cyrus', form: 1, packages: ['cyrus-imapd', 'libsasl2-modules'] },
    only: '^(lib|zlib|tzdata|cyrus-(common|imapd))',
    users: { cyrus: cyrusUser, mail: 8, nobody: 65_534 },
  });
}

/** Starts a Cyrus with a configuration and mails of its own. It ends with this process in any case. */
export async function startCyrus(): Promise<ImapServer> {
  const root = await cyrusRoot();
  const folder = await mkdtemp(join(root, 'srv', 'cyrus-'));
  const home = folder.slice(root.length);
  await chmod(folder, 0o755);
  for (const name of ['config', 'mail', 'config/db', 'config/socket', 'config/proc', 'config/log', 'config/msg']) {
    await mkdir(join(folder, name));
    await chown(join(folder, name), cyrusUser, 8);
  }
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  await writeFile(join(folder, 'imapd.conf'), settings(home));
  await writeFile(join(folder, 'cyrus.conf'), services(home, port));
  const passwords = await checkPasswords(join(folder, 'passwords'), password);
  const server = await RootServer.start({
    ...{ name: 'cyrus', root, folder, port, greeting: 'ready' },
    command: [
      '/usr/lib/cyrus/bin/master',
      '-D',
      '-C',
      `${home}/imapd.conf`,
      '-M',
      `${home}/cyrus.conf`,
      '-p',
      `${home}/pid`,
    ],
  });
  return {
    ...{ port, password, start: () => server.start(), kill: () => server.kill() },
    renumber: (user) => renumber({ port, password }, user),
    stop: async () => {
      await server.stop();
      passwords.close();
    },
  };
}

async function connectAs(user: string, { port, password }: { port: number; password: string }): Promise<ImapFlow> {
  const server = { host: '127.0.0.1', port, secure: false, doSTARTTLS: false };
  const client = new ImapFlow({ ...server, auth: { user, pass: password }, logger: false });
  await client.connect();
  return client;
}

/** Makes the INBOX of a user anew, with its mails. Its folders are empty then. */
async function renumber(server: { port: number; password: string }, user: string): Promise<void> {
  const owner = await connectAs(user, server);
  const folders = (await owner.list()).map(({ path }) => path).filter((path) => path !== 'INBOX');
  const mails: Buffer[] = [];
  const lock = await owner.getMailboxLock('INBOX');
  for await (const { source } of owner.fetch('1:*', { source: true })) if (source) mails.push(source);
  lock.release();
  owner.close();
  await makeAnew(server, `user/${user}`);
  const restored = await connectAs(user, server);
  for (const path of folders) await restored.mailboxCreate(path);
  for (const mail of mails) await restored.append('INBOX', mail);
  restored.close();
}

/** Deletes and creates a mailbox, as only an administrator can. */
async function makeAnew({ port, password }: { port: number; password: string }, mailbox: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  const lines = createInterface(socket)[Symbol.asyncIterator]();
  const commands = [
    `LOGIN ${admin} ${password}`,
    `SETACL ${mailbox} ${admin} lrswipkxtecda`,
    `DELETE ${mailbox}`,
    `CREATE ${mailbox}`,
  ];
  for (const command of commands) {
    socket.write(`a ${command}\r\n`);
    let line = '';
    while (!line.startsWith('a ')) line = String((await lines.next()).value);
    if (!line.startsWith('a OK')) throw new Error(`${mailbox} cannot be made anew: ${line}`);
  }
  socket.destroy();
}

/** Answers as `saslauthd` does: a request has four texts, the user and the password first, each behind two bytes of length. */
async function checkPasswords(path: string, password: string): Promise<Server> {
  const server = createServer((socket) => {
    let request = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      request = Buffer.concat([request, piece]);
      const [, given] = texts(request) ?? [];
      if (given !== undefined)
        socket.end(Buffer.concat([Buffer.from([0, 2]), Buffer.from(given === password ? 'OK' : 'NO')]));
    });
  });
  await once(server.listen(path), 'listening');
  await chmod(path, 0o777);
  return server.unref();
}

/** @returns undefined if the request is not complete */
function texts(request: Buffer): string[] | undefined {
  const found: string[] = [];
  for (let at = 0; found.length < 4;) {
    if (request.length < at + 2) return undefined;
    const length = request.readUInt16BE(at);
    if (request.length < at + 2 + length) return undefined;
    found.push(request.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

function settings(home: string): string {
  return `
    configdirectory: ${home}/config
    partition-default: ${home}/mail
    defaultpartition: default
    admins: ${admin}
    allowplaintext: yes
    sasl_mech_list: PLAIN
    sasl_pwcheck_method: saslauthd
    sasl_saslauthd_path: ${home}/passwords
    servername: cyrus.invalid
    altnamespace: yes
    unixhierarchysep: yes
    virtdomains: off
    autocreate_quota: 0
    delete_mode: immediate
    maxlogins_per_user: 0
  `.replaceAll(/^ +/gm, '');
}

function services(home: string, port: number): string {
  const of = (program: string) => `/usr/lib/cyrus/bin/${program} -C ${home}/imapd.conf`;
  return `
    START {
      recover cmd="${of('ctl_cyrusdb')} -r"
    }
    SERVICES {
      imap cmd="${of('imapd')}" listen="127.0.0.1:${port}" prefork=1 maxchild=100
    }
    EVENTS {
      checkpoint cmd="${of('ctl_cyrusdb')} -c" period=30
    }
  `;
}
