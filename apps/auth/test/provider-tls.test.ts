import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { ServiceCertificates } from '@rapport/contracts';
import { createLogger } from '@rapport/platform';
import { PlatformCertificates, SecretFiles, type CertificateFiles } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

const logger = createLogger('test', 'silent');

let folder: string;
let authority: PlatformCertificates;
let auth: RunningAuth;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-'));
  authority = await PlatformCertificates.in(await SecretFiles.in(join(folder, 'ours')));
  const certificates = new ServiceCertificates(await authority.of('auth'), logger, 20);
  // A provider of its own: the shared one has no TLS.
  auth = await RunningAuth.start({ tls: { certificates, allowedCallers: ['edge'] } });
});
afterAll(async () => {
  await auth.stop();
  authority.stop();
  await rm(folder, { recursive: true });
});

/** Requests the keys with the certificates of a process. */
async function ask({ certificate, key }: Partial<CertificateFiles>, servername = 'auth') {
  const [cert, keyText] = await Promise.all([certificate, key].map(async (path) => path && readFile(path)));
  const { hostname: host, port } = new URL(auth.issuer);
  const ca = await readFile(authority.authority);
  const own = cert && keyText ? { cert, key: keyText } : {};
  const sent = request({ host, port, servername, ca, ...own, path: '/oauth/jwks', agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const { serialNumber } = (answer.socket as TLSSocket).getPeerCertificate();
  answer.resume();
  return { status: answer.statusCode, serialNumber };
}

test('the provider responds to the edge, and uses a changed certificate for new connections', async () => {
  const edge = await authority.of('edge');
  const before = await ask(edge);
  const { certificate } = await authority.of('auth', true);
  const { serialNumber } = new X509Certificate(await readFile(certificate));

  expect(before.status).toBe(200);
  await expect.poll(async () => (await ask(edge)).serialNumber.toLowerCase()).toBe(serialNumber.toLowerCase());
});

test('it refuses other processes, certificates of another authority, and connections without a certificate', async () => {
  const other = await PlatformCertificates.in(await SecretFiles.in(join(folder, 'theirs')));
  const theirs = await other.of('edge');
  other.stop();

  for (const files of [await authority.of('customers'), theirs, {}]) await expect(ask(files)).rejects.toThrow();
  await expect(fetch(`${auth.issuer}/oauth/jwks`)).rejects.toThrow();
});

test('a client that expects another process refuses it', async () => {
  await expect(ask(await authority.of('edge'), 'customers')).rejects.toThrow(/altnames/);
});
