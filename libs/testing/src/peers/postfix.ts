import { chmod, chown, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { debianRoot } from './debian-root.js';
import { RootServer } from './root-server.js';

const ids = { postfix: 5_101, postdrop: 5_102 };

/** A running Postfix on 127.0.0.1 that relays all mail to one server, and bounces what that refuses. */
export interface Postfix {
  port: number;
  stop(): Promise<void>;
}

/** The root of Debian's Postfix. */
export function postfixRoot(): Promise<string> {
  return debianRoot({
    ...{ name: 'postfix', form: 1, packages: ['postfix'], only: '^(lib|zlib|postfix)' },
    users: { ...ids, nobody: 65_534 },
    setUp: `
      printf '127.0.0.1 localhost\\n' > etc/hosts
      printf 'smtp 25/tcp\\n' > etc/services
      printf 'passwd: files\\ngroup: files\\nhosts: files\\nservices: files\\n' > etc/nsswitch.conf
    `,
  });
}

/** Starts a Postfix with a configuration and a queue of its own. It ends with this process in any case. @param relayPort on 127.0.0.1 */
export async function startPostfix(relayPort: number): Promise<Postfix> {
  const root = await postfixRoot();
  const folder = await mkdtemp(join(root, 'srv', 'postfix-'));
  const home = folder.slice(root.length);
  await chmod(folder, 0o755);
  const port = await freePort();
  for (const name of ['etc', 'data', 'spool']) await mkdir(join(folder, name));
  await chown(join(folder, 'data'), ids.postfix, ids.postfix);
  await makeSpool(join(folder, 'spool'));
  await writeFile(join(folder, 'etc/main.cf'), settings(home, relayPort));
  await writeFile(join(folder, 'etc/master.cf'), services(port));
  const server = await RootServer.start({
    ...{ name: 'postfix', root, folder, port, greeting: '220 ' },
    command: ['/usr/lib/postfix/sbin/master', '-c', `${home}/etc`, '-d'],
  });
  return { port, stop: () => server.stop() };
}

async function makeSpool(spool: string): Promise<void> {
  const own = [
    'active',
    'bounce',
    'corrupt',
    'defer',
    'deferred',
    'flush',
    'hold',
    'incoming',
    'private',
    'saved',
    'trace',
  ];
  const of = (name: string) => {
    if (name === 'pid') return { mode: 0o755, user: 0, group: 0 };
    if (name === 'maildrop') return { mode: 0o1730, user: ids.postfix, group: ids.postdrop };
    return name === 'public'
      ? { mode: 0o710, user: ids.postfix, group: ids.postdrop }
      : { mode: 0o700, user: ids.postfix, group: 0 };
  };
  for (const name of [...own, 'maildrop', 'public', 'pid']) {
    const { mode, user, group } = of(name);
    await mkdir(join(spool, name));
    await chown(join(spool, name), user, group);
    await chmod(join(spool, name), mode);
  }
}

function settings(home: string, relayPort: number): string {
  return `
    compatibility_level = 3.6
    queue_directory = ${home}/spool
    command_directory = /usr/sbin
    daemon_directory = /usr/lib/postfix/sbin
    data_directory = ${home}/data
    maillog_file = /dev/stdout
    mail_owner = postfix
    setgid_group = postdrop
    myhostname = mx.postfix.invalid
    mydestination =
    inet_interfaces = 127.0.0.1
    inet_protocols = ipv4
    mynetworks = 127.0.0.0/8
    relayhost = [127.0.0.1]:${relayPort}
    smtp_host_lookup = native
    alias_maps =
    alias_database =
    notify_classes =
  `.replaceAll(/^ +/gm, '');
}

function services(port: number): string {
  return `
    127.0.0.1:${port} inet n - n - - smtpd
    cleanup unix n - n - 0 cleanup
    qmgr unix n - n 1 1 qmgr
    rewrite unix - - n - - trivial-rewrite
    bounce unix - - n - 0 bounce
    defer unix - - n - 0 bounce
    trace unix - - n - 0 bounce
    verify unix - - n - 1 verify
    flush unix n - n 1000? 0 flush
    proxymap unix - - n - - proxymap
    smtp unix - - n - - smtp
    relay unix - - n - - smtp
    error unix - - n - - error
    retry unix - - n - - error
    discard unix - - n - - discard
    anvil unix - - n - 1 anvil
    scache unix - - n - 1 scache
  `.replaceAll(/^ +/gm, '');
}
