import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.js';
import { dovecotRoot } from './dovecot-root.js';
import type { ImapServer } from './imap-server.js';
import { RootServer } from './root-server.js';

/** Debian's user `mail`, in the root of Dovecot. */
const mailUser = 8;

export interface DovecotOptions {
  /** URL of the introspection of tokens (RFC 7662). With it, users sign in by XOAUTH2 too. */
  introspectionUrl?: string;
  /** Port on 127.0.0.1 of the SMTP server that gets what Sieve scripts send. With it, `deliver` runs them. */
  submissionPort?: number;
}

export interface MailDelivery {
  /** Sender and recipient of the envelope. */
  from: string;
  to: string;
  /** How far the clock of the delivery is ahead, in hours: scripts see it (libfaketime). 0 when absent. */
  aheadHours?: number;
}

/** A running Dovecot. */
export interface Dovecot extends ImapServer {
  /** Sets the Sieve script of a user, by the address of whom it answers. */
  setScript(user: string, script: string): Promise<void>;
  /** Delivers a mail to a user by `dovecot-lda`, which runs the script of the user. @throws Error if it fails */
  deliver(user: string, delivery: MailDelivery, mail: string): Promise<void>;
}

/** Starts a Dovecot with a configuration and mails of its own. It ends with this process in any case. */
export async function startDovecot({ introspectionUrl, submissionPort }: DovecotOptions = {}): Promise<Dovecot> {
  const root = await dovecotRoot();
  const folder = await mkdtemp(join(root, 'srv', 'dovecot-'));
  const home = folder.slice(root.length);
  const mails = join(folder, 'mail');
  await mkdir(mails);
  // Its processes run as this user.
  await chmod(folder, 0o755);
  await chown(mails, mailUser, mailUser);
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const parts = [
    configuration(home, port, password, introspectionUrl),
    submissionPort === undefined ? '' : sieve(home, submissionPort),
  ];
  await writeFile(join(folder, 'dovecot.conf'), parts.join('\n'));

  const server = await RootServer.start({
    ...{ name: 'dovecot', root, folder, port, greeting: 'ready' },
    command: ['/usr/sbin/dovecot', '-F', '-c', `${home}/dovecot.conf`],
  });
  return {
    ...{ port, password, start: () => server.start(), kill: () => server.kill(), stop: () => server.stop() },
    setScript: (user, script) => writeFile(join(folder, `${user}.sieve`), script),
    deliver: (user, delivery, mail) => deliver(root, home, user, delivery, mail),
    renumber: async (user) => {
      const inbox = join(mails, user);
      // Dovecot numbers by the second: within one, the same UIDVALIDITY would stand for other UIDs.
      const validity = await validityOf(inbox);
      while (Math.floor(Date.now() / 1_000) <= validity) await delay(50);
      const indexes = (await readdir(inbox)).filter((name) => name.startsWith('dovecot'));
      await Promise.all(indexes.map((name) => rm(join(inbox, name), { recursive: true })));
    },
  };
}

/** UIDVALIDITY of a folder: the Unix time at which it was numbered. */
async function validityOf(folder: string): Promise<number> {
  const [, validity] = /^\d+ V(\d+) /.exec(await readFile(join(folder, 'dovecot-uidlist'), 'utf8')) ?? [];
  if (validity === undefined) throw new Error(`${folder} has no UIDVALIDITY.`);
  return Number(validity);
}

async function deliver(
  root: string,
  home: string,
  user: string,
  { from, to, aheadHours = 0 }: MailDelivery,
  mail: string,
): Promise<void> {
  const options = ['-e', '-c', `${home}/dovecot.conf`, '-d', user, '-f', from, '-a', to];
  const clock = aheadHours > 0 && {
    LD_PRELOAD: '/lib/libfaketime.so',
    FAKETIME: `+${aheadHours}h`,
    // The program reads its settings by another one, which starts it again with these variables only.
    DOVECOT_PRESERVE_ENVS: 'LD_PRELOAD FAKETIME',
  };
  const delivery = spawn('chroot', [root, '/usr/lib/dovecot/dovecot-lda', ...options], {
    env: { PATH: process.env['PATH'], ...clock },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  delivery.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  delivery.stdin.end(mail);
  const [code] = (await once(delivery, 'close')) as [number | null];
  if (code !== 0) throw new Error(`dovecot-lda ended with ${code}: ${said}`);
}

/** Delivery by scripts, whose answers have no least distance in time. */
function sieve(home: string, submissionPort: number): string {
  return `
    submission_host = 127.0.0.1:${submissionPort}
    postmaster_address = postmaster@example.invalid
    sieve_extensions {
      vacation-seconds = yes
    }
    sieve_vacation_min_period = 0
    sieve_script personal {
      type = personal
      path = ${home}/%{user}.sieve
    }
    protocol lda {
      mail_plugins {
        sieve = yes
      }
    }
  `;
}

function configuration(home: string, port: number, password: string, introspectionUrl: string | undefined): string {
  const oauth = `
    auth_mechanisms = plain login xoauth2
    oauth2 {
      introspection_mode = post
      introspection_url = ${introspectionUrl}
      username_attribute = username
    }
    passdb oauth2 {
      mechanisms_filter = xoauth2
    }`;
  return `
    dovecot_config_version = 2.4.1
    dovecot_storage_version = 2.4.1
    base_dir = ${home}/run
    state_dir = ${home}/state
    log_path = /dev/stderr
    protocols = imap
    listen = 127.0.0.1
    ssl = no
    auth_allow_cleartext = yes
    auth_failure_delay = 0
    mail_driver = maildir
    mail_path = ${home}/mail/%{user}
    mail_max_userip_connections = 100
    first_valid_uid = 1
    default_login_user = nobody
    default_internal_user = nobody
    default_internal_group = nogroup
    ${introspectionUrl === undefined ? '' : oauth}
    passdb static {
      mechanisms_filter = plain login
      password = ${password}
    }
    userdb static {
      userdb_static_allow_all_users = yes
      fields {
        uid = ${mailUser}
        gid = ${mailUser}
        home = ${home}/mail/%{user}
      }
    }
    service imap-login {
      chroot =
      inet_listener imap {
        port = ${port}
      }
      inet_listener imaps {
        port = 0
      }
    }
    service anvil {
      chroot =
    }
    service stats {
      chroot =
    }
  `;
}
