import type { AppError, Caller } from '@rapport/platform';
import { freePort, startNameServer } from '@rapport/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContractClient } from '../src/client/contract-client.js';
import { PrincipalSigner } from '../src/principals/principal-signer.js';
import { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { FragileProxy } from './fragile-proxy.js';
import { methods, openStreams, ScriptedService } from './scripted-service.js';

const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };

let signer: PrincipalSigner;
let client: ContractClient;

beforeEach(async () => {
  signer = await PrincipalSigner.of();
});

function call(requestId: string, principalToken = signer.sign(caller), deadlineMs = 30_000): Promise<unknown> {
  return client.unary(methods.getTenant.path, {}, { context: { requestId, principalToken }, deadlineMs });
}

it('a call that expires on a connection over which nothing comes any more moves the next ones to a new connection', async () => {
  const service = await ScriptedService.start(new PrincipalVerifier(signer.publicKeys));
  const proxy = await FragileProxy.to(service.address);
  client = new ContractClient(proxy.address, [methods]);
  await call('first');
  await expect.poll(openStreams).toBe(1);

  proxy.holdAll();
  await expect(call('lost', undefined, 1_100)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  const next = () => call('next', undefined, 200).then(openStreams, ({ code }: AppError) => code);
  await expect.poll(next, { timeout: 30_000 }).toBe(2);

  client.close();
  await proxy.stop();
  await service.stop();
  await expect.poll(openStreams).toBe(0);
});

describe('calls of many principals are all answered', () => {
  let service: ScriptedService;

  beforeEach(async () => {
    service = await ScriptedService.start(new PrincipalVerifier(signer.publicKeys));
    client = new ContractClient(service.address, [methods]);
    await call('first');
    await expect.poll(openStreams).toBe(1);
    service.begun = 0;
  });
  afterEach(async () => {
    client.close();
    await service.stop();
    await expect.poll(openStreams).toBe(0);
  });

  it('when their tokens are longer in all than a message may be', async () => {
    const permissions = ['tenant.read', 'x'.repeat(5_000)];
    const tokens = Array.from({ length: 1_500 }, (_, index) =>
      signer.sign({ ...caller, principalId: `apiKey:${index}`, permissions }),
    );
    expect(tokens.join('').length).toBeGreaterThan(8 * 1024 * 1024);
    await Promise.all(tokens.map((each) => call('next', each)));
    expect(service.begun).toBe(tokens.length);
  });

  it('when they are more than a stream may hold', async () => {
    for (let round = 0; round < 11; round += 1) {
      const tokens = Array.from({ length: 1_000 }, (_, index) =>
        signer.sign({ ...caller, principalId: `apiKey:${round}-${index}` }),
      );
      await Promise.all(tokens.map((each) => call('next', each)));
    }
    expect(service.begun).toBe(11_000);
  });
});

describe('of two replicas', () => {
  let replicas: ScriptedService[];
  let stopNames: () => Promise<void>;

  beforeEach(async () => {
    const [port, principals] = [await freePort(), new PrincipalVerifier(signer.publicKeys)];
    const hosts = ['127.0.0.1', '127.0.0.2'];
    replicas = await Promise.all(hosts.map((host) => ScriptedService.start(principals, { host, port })));
    const names = await startNameServer();
    stopNames = () => names.stop();
    names.set('tenants', hosts);
    client = new ContractClient(`dns://${names.address}/tenants.local:${port}`, [methods]);
    // The first call uses plain gRPC, which does not use this name server.
    await expect.poll(() => call('first').then(openStreams, () => 0)).toBe(2);
  });
  afterEach(async () => {
    client.close();
    await expect.poll(openStreams).toBe(0);
    await Promise.all(replicas.map((replica) => replica.stop()));
    await stopNames();
  });

  it('the one that is less busy gets the next call', async () => {
    const answer = Promise.withResolvers<string>();
    for (const { scripts } of replicas) scripts.set('held', () => answer.promise);
    for (const replica of replicas) replica.begun = 0;
    const held = call('held');
    await expect.poll(() => replicas.map(({ begun }) => begun).sort()).toEqual([0, 1]);
    const idle = replicas.find(({ begun }) => begun === 0);
    for (let count = 0; count < 20; count += 1) await call('next');
    expect(idle?.begun).toBe(20);
    answer.resolve('');
    await held;
  });

  it('both get calls while they are equally busy', async () => {
    for (let count = 0; count < 100; count += 1) await call('next');
    for (const { begun } of replicas) expect(begun).toBeGreaterThan(10);
  });

  it('no call fails when one ends', async () => {
    let isOver = false;
    const loops = Array.from({ length: 8 }, async () => {
      while (!isOver) await call('next');
    });
    await replicas[0]?.stop();
    const before = replicas[1]?.begun ?? 0;
    await expect.poll(() => replicas[1]?.begun).toBeGreaterThan(before + 500);
    isOver = true;
    await Promise.all(loops);
  });
});
