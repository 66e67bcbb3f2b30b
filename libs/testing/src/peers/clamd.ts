import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.js';
import { debianRoot } from './debian-root.js';
import { RootServer } from './root-server.js';

/** A running clamd on 127.0.0.1, whose database has one signature. */
export interface Clamd {
  /** `host:port` */
  address: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ClamdOptions {
  /** What a content must have to be infected. */
  marker: string;
  /** Most bytes of a content, in whole MiB. */
  streamMaxMib: number;
}

/** The root of Debian's clamd, without its databases, which are downloaded otherwise. */
export function clamdRoot(): Promise<string> {
  return debianRoot({
    ...{
      name: 'clamd',
      form: 1,
      packages: ['clamav-daemon'],
      only: '^(lib|zlib|openssl-provider|clamav-(base|daemon))',
    },
    users: { clamav: 5_301 },
  });
}

/** Starts a clamd with a database of its own. It ends with this process in any case. */
export async function startClamd({ marker, streamMaxMib }: ClamdOptions): Promise<Clamd> {
  const root = await clamdRoot();
  const folder = await mkdtemp(join(root, 'srv', 'clamd-'));
  const home = folder.slice(root.length);
  const port = await freePort();
  await mkdir(join(folder, 'database'));
  const signature = `Tests.Marker:0:*:${Buffer.from(marker).toString('hex')}\n`;
  await writeFile(join(folder, 'database/tests.ndb'), signature);
  await writeFile(join(folder, 'clamd.conf'), settings(home, port, streamMaxMib));
  const server = await RootServer.start({
    ...{ name: 'clamd', root, folder, port, probe: 'zPING\0', greeting: 'PONG' },
    command: ['/usr/sbin/clamd', '--foreground', '-c', `${home}/clamd.conf`],
  });
  return {
    address: `127.0.0.1:${port}`,
    kill: () => server.kill(),
    start: () => server.start(),
    stop: () => server.stop(),
  };
}

function settings(home: string, port: number, streamMaxMib: number): string {
  return `
    TCPSocket ${port}
    TCPAddr 127.0.0.1
    DatabaseDirectory ${home}/database
    TemporaryDirectory /tmp
    StreamMaxLength ${streamMaxMib}M
    MaxThreads 4
  `.replaceAll(/^ +/gm, '');
}
