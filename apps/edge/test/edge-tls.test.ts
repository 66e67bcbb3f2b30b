import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect as connectPlainly, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { metrics } from '@rapport/platform';
import { PlatformCertificates, SecretFiles, type CertificateFiles } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedirectServer } from '../src/http/redirect-server.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let folder: string;
let authority: PlatformCertificates;
let files: CertificateFiles;
let ca: Buffer;
let ores: RunningOres;
let edge: RunningEdge;
/** Two clients that stall, started first: it takes seconds until they are disconnected. */
let silent: { inHandshake: Socket; inHeaders: TLSSocket };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-'));
  authority = await PlatformCertificates.in(await SecretFiles.in(folder));
  files = await authority.of('localhost');
  ca = await readFile(files.authority);
  ores = await startOres();
  edge = await ores.startEdge({ tls: files });
  silent = { inHandshake: connectPlainly(edge.port, '127.0.0.1'), inHeaders: await connected() };
  silent.inHeaders.write('GET /livez HTTP/1.1\r\nHost: a\r\n');
});
afterAll(async () => {
  await ores.stop();
  authority.stop();
  await rm(folder, { recursive: true });
});

async function ask(path: string, port = edge.port): Promise<IncomingMessage> {
  const headers = { authorization: authorization('t1') };
  const request = get({ host: '127.0.0.1', servername: 'localhost', port, ca, path, headers, agent: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer.resume();
}

async function connected(): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: edge.port, ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  return socket;
}

describe('an edge with a certificate', () => {
  it('sends Strict-Transport-Security, on answers of both paths and on problems', async () => {
    ores.writeBehind('t1', 'a');
    for (const [path, cacheStatus] of [
      ['/v1/ores/a', 'stored'],
      ['/v1/ores/a', 'hit'],
      ['/v1/ores/missing', ''],
      ['/nowhere', ''],
    ] as const) {
      const { headers } = await ask(path);
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8,}; includeSubDomains$/);
      if (cacheStatus) expect(headers['cache-status']).toContain(cacheStatus);
    }
  });

  it('shows in its metrics when it expires', async () => {
    const { validToDate } = new X509Certificate(await readFile(files.certificate));
    const { values = [] } = (await metrics.getSingleMetric('rapport_certificate_valid_to_seconds')?.get()) ?? {};
    expect(values).toContainEqual({ labels: { certificate: 'public' }, value: validToDate.getTime() / 1_000 });
  });

  it('uses a new one for new connections under load, and no request fails', async () => {
    const before = (await connected()).getPeerCertificate().serialNumber;
    let isOver = false;
    let requests = 0;
    const failures: unknown[] = [];
    const workers = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        await ask('/v1/ores/a').then(
          ({ statusCode }) => statusCode === 200 || failures.push(statusCode),
          (error: unknown) => failures.push(error),
        );
        requests += 1;
      }
    });
    await authority.of('localhost', true);
    await expect
      .poll(async () => (await connected()).getPeerCertificate().serialNumber, { timeout: 10_000 })
      .not.toBe(before);
    const atChange = requests;
    await expect.poll(() => requests).toBeGreaterThan(atChange + 20);
    isOver = true;
    await Promise.all(workers);

    expect(failures).toEqual([]);
  });
});

it('an edge without a certificate sends no Strict-Transport-Security', async () => {
  const plain = await ores.startEdge();
  const answer = await fetch(`${plain.url}/livez`);
  expect(answer.headers.get('strict-transport-security')).toBeNull();
});

describe('the plain port', () => {
  it('redirects to the same path of the configured origin, for any Host', async () => {
    const server = await startRedirectServer(0, '127.0.0.1', 'https://api.example.com', 'https://console.example.com');
    const { port } = server.address() as AddressInfo;
    const redirected = async (path: string, host = 'evil.example') => {
      const request = getPlain({ host: '127.0.0.1', port, path, headers: { host } });
      const [{ statusCode, headers }] = (await once(request, 'response')) as [IncomingMessage];
      return [statusCode, headers.location];
    };
    expect(await redirected('/v1/ores?name=a%20b')).toEqual([308, 'https://api.example.com/v1/ores?name=a%20b']);
    expect(await redirected('//evil.example/x')).toEqual([308, 'https://api.example.com//evil.example/x']);
    expect(await redirected('http://evil.example/')).toEqual([400, undefined]);
    expect(await redirected('/deals', 'console.example.com:80')).toEqual([308, 'https://console.example.com/deals']);
    server.close();
  });
});

// Last: while the others run, the timeouts of both pass. That there is a timeout is the guarantee.
describe('an edge does not wait for a client', () => {
  it('that never ends its handshake', { timeout: 15_000 }, async () => {
    if (!silent.inHandshake.closed) await once(silent.inHandshake, 'close');
  });

  it('that never ends its headers', { timeout: 15_000 }, async () => {
    expect(await text(silent.inHeaders)).toContain('408');
  });
});
