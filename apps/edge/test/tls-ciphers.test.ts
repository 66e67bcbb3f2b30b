import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { PlatformCertificates, SecretFiles, type CertificateFiles } from '@rapport/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let folder: string;
let authority: PlatformCertificates;
let files: CertificateFiles;
let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-'));
  authority = await PlatformCertificates.in(await SecretFiles.in(folder));
  files = await authority.of('localhost');
  ores = await startOres();
  edge = await ores.startEdge({ tls: files });
});
afterAll(async () => {
  await ores.stop();
  authority.stop();
  await rm(folder, { recursive: true });
});

/** The negotiated cipher of a client and the edge, or the error of the handshake. */
async function agreed(options: ConnectionOptions): Promise<string> {
  const ca = await readFile(files.authority);
  const socket = connect({ host: '127.0.0.1', port: edge.port, ca, servername: 'localhost', ...options });
  const failed = once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code ?? '');
  const secure = once(socket, 'secureConnect').then(() => `${socket.getProtocol()} ${socket.getCipher().name}`);
  const result = await Promise.race([secure, failed]);
  secure.catch(() => undefined);
  socket.destroy();
  return result;
}

const cbc = [
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA',
  'AES128-SHA256',
  'AES256-SHA',
];

it('TLS 1.2 has no CBC cipher, also after a certificate change', async () => {
  const old = { maxVersion: 'TLSv1.2' } as const;
  const offered = { ...old, ciphers: `${cbc.join(':')}:@SECLEVEL=0` };

  expect(await agreed(offered)).toContain('HANDSHAKE_FAILURE');
  expect(await agreed(old)).toMatch(/^TLSv1.2 ECDHE-(?:RSA|ECDSA)-.*(?:GCM|POLY1305)/);
  expect(await agreed({})).toMatch(/^TLSv1.3 /);
  const serial = async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: edge.port,
      ca: await readFile(files.authority),
      servername: 'localhost',
    });
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const before = await serial();
  await authority.of('localhost', true);
  await expect.poll(serial).not.toBe(before);

  expect(await agreed(offered)).toContain('HANDSHAKE_FAILURE');
  expect(await agreed(old)).toMatch(/^TLSv1.2 ECDHE-(?:RSA|ECDSA)-.*(?:GCM|POLY1305)/);
});
