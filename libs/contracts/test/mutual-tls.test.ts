import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { connect } from 'node:tls';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { createLogger, metrics, type Caller } from '@rapport/platform';
import type { CertificateFiles, PlatformCertificates } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ServiceCertificates } from '../src/certificates/service-certificates.js';
import { ContractClient } from '../src/client/contract-client.js';
import { PrincipalSigner } from '../src/principals/principal-signer.js';
import { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { CertificatesFolder } from './certificates-folder.js';
import { methods, services, startService } from './running-service.js';

const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };
const logger = createLogger('test', 'silent');
const stops: (() => unknown)[] = [];
let folder: CertificatesFolder;
let certificates: PlatformCertificates;
let signer: PrincipalSigner;
/** Of a service named auth that only edge may call. */
let address: string;

beforeAll(async () => {
  folder = await CertificatesFolder.create();
  certificates = await folder.authority('ours');
  signer = await PrincipalSigner.of();
  address = await serve(await certificates.of('auth'));
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await folder.remove();
});

async function serve(files: CertificateFiles): Promise<string> {
  const tls = { certificates: new ServiceCertificates(files, logger, 20), allowedCallers: ['sync', 'edge'] };
  const started = await startService({ principals: new PrincipalVerifier(signer.publicKeys), tls });
  stops.push(started.stop);
  return started.address;
}

function clientOf(files: CertificateFiles, serviceName = 'auth', at = address): ContractClient {
  const tls = { certificates: new ServiceCertificates(files, logger, 20), serviceName };
  const client = new ContractClient(at, services, tls);
  stops.push(() => client.close());
  return client;
}

function ask(client: ContractClient, principalToken = signer.sign(caller), deadlineMs = 10_000, signal?: AbortSignal) {
  const options = { context: { requestId: 'r', principalToken }, deadlineMs, ...(signal && { signal }) };
  return client.unary(methods.getTenant.path, {}, options);
}

describe('a service', () => {
  it('answers a process with an allowed certificate, and identifies it', async () => {
    const client = clientOf(await certificates.of('edge'));
    await expect(ask(client)).resolves.toMatchObject({ displayName: expect.stringContaining('apiKey:a') as string });
    const requests = ReadableStream.from([{ types: [], credit: 1 }]);
    const options = { context: { requestId: 'r' }, deadlineMs: 10_000 };
    const { value } = await client.duplex(methods.subscribe.path, requests, options).next();
    expect((value as { cursor: string }).cursor).toContain('"service:edge"');
  });

  it('refuses a valid certificate with a principal that auth has not signed', async () => {
    const client = clientOf(await certificates.of('edge'));
    const forged = (await PrincipalSigner.of()).sign(caller);
    for (const token of ['', forged])
      await expect(ask(client, token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('answers all other calls of a process that cancels thousands of them', async () => {
    const client = clientOf(await certificates.of('edge'));
    const others: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round += 1) {
      const gone = new AbortController();
      const cancelled = Array.from({ length: 100 }, () => ask(client, undefined, 10_000, gone.signal));
      others.push(ask(client));
      await setImmediate();
      gone.abort();
      await Promise.allSettled(cancelled);
    }

    const answers = await Promise.allSettled(others);
    expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  it('refuses every call of a platform process that is not allowed', async () => {
    const client = clientOf(await certificates.of('customers'));
    const refusal = { code: 'PERMISSION_DENIED', reason: 'CALLER_NOT_ALLOWED' };
    await expect(ask(client)).rejects.toMatchObject(refusal);
    const options = { context: { requestId: 'r' }, deadlineMs: 10_000 };
    await expect(client.unary(methods.authenticateApiKey.path, { key: 'k' }, options)).rejects.toMatchObject(refusal);
  });

  it('refuses connections with a certificate of another authority, without one, or without TLS', async () => {
    const other = await folder.authority('theirs');
    const theirs = { ...(await other.of('edge')), authority: certificates.authority };
    await expect(ask(clientOf(theirs), undefined, 2_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const plain = new ContractClient(address, services);
    stops.push(() => plain.close());
    await expect(ask(plain, undefined, 2_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(askWithoutCertificate()).rejects.toThrow(/UNAVAILABLE|DEADLINE_EXCEEDED/);
  });
});

describe('a client', () => {
  it('does not call a service of another name, or one that another authority has certified', async () => {
    const edge = await certificates.of('edge');
    await expect(ask(clientOf(edge, 'customers'), undefined, 2_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const impostor = await serve({ ...(await (await folder.authority('impostor')).of('auth')) });
    await expect(ask(clientOf(edge, 'auth', impostor), undefined, 2_000)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});

it('shows in its metrics when the certificates expire that it uses, also after a renewal', async () => {
  const own = await folder.authority('observed');
  await serve(await own.of('auth'));
  const shown = async (use: string) =>
    (await metrics.getSingleMetric('rapport_certificate_valid_to_seconds')?.get())?.values.find(
      ({ labels }) => labels['certificate'] === use,
    )?.value;
  const expiry = async (path: string) => new X509Certificate(await readFile(path)).validToDate.getTime() / 1_000;

  const before = await own.of('auth');
  expect(await shown('service')).toBe(await expiry(before.certificate));
  expect(await shown('authority')).toBe(await expiry(before.authority));

  // Validity has seconds.
  vi.setSystemTime(Date.now() + 2_000);
  const renewed = await own.of('auth', true);
  vi.useRealTimers();
  await expect.poll(() => shown('service')).toBe(await expiry(renewed.certificate));
});

describe.each(['auth', 'edge'])('an expired certificate of %s', (name) => {
  it('fails calls until it is renewed, without a restart', async () => {
    const own = await folder.authority(`expired-${name}`);
    vi.setSystemTime(Date.now() - 31 * 24 * 60 * 60 * 1_000);
    const expired = await own.of(name, true);
    vi.useRealTimers();
    const fresh = await own.of(name === 'auth' ? 'edge' : 'auth');
    const at = await serve(name === 'auth' ? expired : fresh);
    const client = clientOf(name === 'auth' ? fresh : expired, 'auth', at);

    await expect(ask(client, undefined, 2_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await own.of(name, true);
    await expect
      .poll(() => ask(client), { timeout: 20_000 })
      .toMatchObject({ displayName: expect.anything() as string });
  });
});

/** Trusts the authority, and has no certificate. */
async function askWithoutCertificate(): Promise<unknown> {
  const client = new Client(address, credentials.createSsl(await readFile(certificates.authority)), {
    'grpc.ssl_target_name_override': 'auth',
  });
  stops.push(() => client.close());
  const { path, requestSerialize, responseDeserialize } = methods.getTenant;
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, answer?: unknown) => (error ? reject(error) : resolve(answer));
    const options = { deadline: Date.now() + 2_000 };
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, new Metadata(), options, settle);
  });
}

/** Serial number of the certificate that a service shows. */
async function servedSerial(at: string, own: PlatformCertificates): Promise<string> {
  const { certificate, key, authority: ca } = await own.of('edge');
  const [cert, keyPem, caPem] = await Promise.all([certificate, key, ca].map((path) => readFile(path)));
  const port = Number(at.split(':')[1]);
  const socket = connect({ port, cert, key: keyPem, ca: caPem, servername: 'auth', ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

it('certificates and keys change under load, and no call fails', async () => {
  const own = await folder.authority('changing');
  const at = await serve(await own.of('auth'));
  const tls = { certificates: new ServiceCertificates(await own.of('edge'), logger, 20), serviceName: 'auth' };
  let calls = 0;
  let isOver = false;
  const failures: unknown[] = [];
  // Each worker opens new connections all the time, so that some coincide with each change.
  const workers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const client = new ContractClient(at, services, tls);
      for (let n = 0; n < 10; n += 1) {
        await ask(client).catch((error: unknown) => failures.push(error));
        calls += 1;
      }
      client.close();
    }
  });
  const longLived = new ContractClient(at, services, tls);
  stops.push(() => longLived.close());
  const longLivedWorker = (async () => {
    while (!isOver) await ask(longLived).catch((error: unknown) => failures.push(error));
  })();

  for (let change = 0; change < 5; change += 1) {
    const before = calls;
    await own.of('auth', true);
    await own.of('edge', true);
    await expect.poll(() => calls, { timeout: 10_000 }).toBeGreaterThan(before + 80);
  }
  isOver = true;
  await Promise.all([...workers, longLivedWorker]);

  expect(failures).toEqual([]);
  const { certificate } = await own.of('auth');
  await expect.poll(() => servedSerial(at, own)).toBe(new X509Certificate(await readFile(certificate)).serialNumber);
  expect(calls).toBeGreaterThan(400);
});
