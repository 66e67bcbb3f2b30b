import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, type Caller } from '@rapport/platform';
import type { CertificateFiles, PlatformCertificates } from '@rapport/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
let before: PlatformCertificates;
let after: PlatformCertificates;

beforeAll(async () => {
  folder = await CertificatesFolder.create();
  [before, after] = [await folder.authority('before'), await folder.authority('after')];
});
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await folder.remove();
});

/** A process whose files change while it runs. */
class Process {
  readonly files: CertificateFiles;

  private constructor(readonly name: string) {
    const path = (file: string) => join(folder.path, 'processes', `${name}-${file}`);
    this.files = { certificate: path('certificate'), key: path('key'), authority: path('authority') };
  }

  static async of(name: string): Promise<Process> {
    await mkdir(join(folder.path, 'processes'), { recursive: true });
    const process = new Process(name);
    await process.certifyBy(before);
    await process.trust(before);
    return process;
  }

  async certifyBy(issuer: PlatformCertificates): Promise<void> {
    const { certificate, key } = await issuer.of(this.name);
    await replace(this.files.key, await readFile(key));
    await replace(this.files.certificate, await readFile(certificate));
  }

  async trust(...authorities: PlatformCertificates[]): Promise<void> {
    const texts = await Promise.all(authorities.map((each) => readFile(each.authority, 'utf8')));
    await replace(this.files.authority, texts.join('\n'));
  }
}

/** Atomically. */
async function replace(path: string, content: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

function ask(client: ContractClient, signer: PrincipalSigner) {
  const context = { requestId: 'r', principalToken: signer.sign(caller) };
  return client.unary(methods.getTenant.path, {}, { context, deadlineMs: 10_000 });
}

it('the authority is replaced under load, and no call fails', { timeout: 60_000 }, async () => {
  const signer = await PrincipalSigner.of();
  const [auth, edge] = [await Process.of('auth'), await Process.of('edge')];
  const [ofAuth, ofEdge] = [auth, edge].map(({ files }) => new ServiceCertificates(files, logger, 20)) as [
    ServiceCertificates,
    ServiceCertificates,
  ];
  const { address, stop } = await startService({
    principals: new PrincipalVerifier(signer.publicKeys),
    tls: { certificates: ofAuth, allowedCallers: ['edge'] },
  });
  stops.push(stop);
  const failures: unknown[] = [];
  let connections = 0;
  let isOver = false;
  const workers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const client = new ContractClient(address, services, { certificates: ofEdge, serviceName: 'auth' });
      for (let n = 0; n < 5; n += 1) await ask(client, signer).catch((error: unknown) => failures.push(error));
      client.close();
      connections += 1;
    }
  });
  /** Changes both processes, one after the other, with new connections before and after each. */
  const change = async (step: (process: Process) => Promise<void>) => {
    for (const [process, certificates] of [
      [auth, ofAuth],
      [edge, ofEdge],
    ] as const) {
      await step(process);
      const written = await Promise.all(Object.values(process.files).map((path: string) => readFile(path, 'utf8')));
      const taken = () => [certificates.current.cert, certificates.current.key, certificates.current.ca].map(String);
      await expect.poll(taken, { timeout: 10_000 }).toEqual(written);
      const made = connections;
      await expect.poll(() => connections, { timeout: 20_000 }).toBeGreaterThan(made + 8);
    }
  };

  await change((process) => process.trust(before, after));
  await change((process) => process.certifyBy(after));
  await change((process) => process.trust(after));
  isOver = true;
  await Promise.all(workers);

  expect(failures).toEqual([]);
  const late = await Process.of('edge');
  await late.trust(after);
  const former = new ContractClient(address, services, {
    certificates: new ServiceCertificates(late.files, logger, 20),
    serviceName: 'auth',
  });
  stops.push(() => former.close());
  await expect(ask(former, signer)).rejects.toMatchObject({
    code: expect.stringMatching(/UNAVAILABLE|DEADLINE/) as string,
  });
});
