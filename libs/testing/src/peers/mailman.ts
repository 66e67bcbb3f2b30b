import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTransport } from 'nodemailer';
import { freePort } from '../free-port.js';
import { debianRoot } from './debian-root.js';
import { RootServer } from './root-server.js';

const listUser = 38;

export interface MailmanOptions {
  /** SMTP server on 127.0.0.1 that gets what Mailman sends. */
  smtpPort: number;
  /** Address of the list. */
  list: string;
  members: readonly string[];
}

/** A running Mailman with one list. */
export interface Mailman {
  /** Delivers a mail to the list, or to one of its addresses such as that of its commands, by LMTP. */
  deliver(envelope: { from: string; to: string }, mail: string): Promise<void>;
  stop(): Promise<void>;
}

/** The root of the core of Debian's Mailman, without its web interface. */
export function mailmanRoot(): Promise<string> {
  return debianRoot({
    ...{ name: 'mailman', form: 1, packages: ['mailman3'], users: { list: listUser, nobody: 65_534 } },
    setUp: `
      printf '127.0.0.1 localhost\\n' > etc/hosts
      cat usr/share/ca-certificates/mozilla/*.crt > etc/ssl/certs/ca-certificates.crt
    `,
  });
}

/** Starts a Mailman with a configuration and a list of its own. It ends with this process in any case. */
export async function startMailman({ smtpPort, list, members }: MailmanOptions): Promise<Mailman> {
  const root = await mailmanRoot();
  const folder = await mkdtemp(join(root, 'srv', 'mailman-'));
  const home = folder.slice(root.length);
  const port = await freePort();
  await mkdir(join(folder, 'var'));
  for (const path of [folder, join(folder, 'var')]) await chown(path, listUser, listUser);
  await writeFile(join(folder, 'mailman.cfg'), settings(home, { port, smtpPort }));
  await writeFile(join(folder, 'members'), members.join('\n'));
  const env = { HOME: home, LANG: 'C.UTF-8' };
  const command = async (...words: string[]) => {
    const program = [`--userspec=${listUser}:${listUser}`, root, '/usr/bin/mailman', '-C', `${home}/mailman.cfg`];
    await promisify(execFile)('chroot', [...program, ...words], { env: { ...env, PATH: process.env['PATH'] } });
  };
  await command('create', list);
  await command('addmembers', `${home}/members`, list);
  const server = await RootServer.start({
    ...{ name: 'mailman', root, folder, port, env, greeting: '220 ', user: listUser },
    command: ['/usr/lib/mailman3/bin/master', '-C', `${home}/mailman.cfg`],
  });
  const lmtp = createTransport({ host: '127.0.0.1', port, lmtp: true, secure: false, ignoreTLS: true });
  return {
    deliver: async ({ from, to }, raw) => {
      await lmtp.sendMail({ envelope: { from, to: [to] }, raw });
    },
    stop: async () => {
      lmtp.close();
      await server.stop();
    },
  };
}

/** Queues that no mail of tests comes to. */
const unused = ['archive', 'bounces', 'digest', 'nntp', 'rest', 'retry', 'task'];

function settings(home: string, ports: { port: number; smtpPort: number }): string {
  return `
    [mailman]
    layout: here
    site_owner: owner@lists.invalid
    [paths.here]
    var_dir: ${home}/var
    bin_dir: /usr/lib/mailman3/bin
    [mta]
    incoming: mailman.mta.null.NullMTA
    lmtp_host: 127.0.0.1
    lmtp_port: ${ports.port}
    smtp_host: 127.0.0.1
    smtp_port: ${ports.smtpPort}
    ${unused.map((runner) => `[runner.${runner}]\nstart: no`).join('\n')}
    [database]
    class: mailman.database.sqlite.SQLiteDatabase
    url: sqlite:///${home}/var/mailman.db
  `.replaceAll(/^ +/gm, '');
}
