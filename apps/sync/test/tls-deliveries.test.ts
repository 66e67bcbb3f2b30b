import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformCertificates, SecretFiles, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Receiver, until } from './receiver.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

let folder: string;
let known: PlatformCertificates;
let unknown: PlatformCertificates;
let platform: Platform;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-tls-'));
  const authority = async (name: string) => PlatformCertificates.in(await SecretFiles.in(join(folder, name)));
  [known, unknown] = [await authority('known'), await authority('unknown')];
  platform = await startSyncPlatform({ NODE_EXTRA_CA_CERTS: known.authority });
}, 120_000);
afterAll(async () => {
  await platform.stop();
  known.stop();
  unknown.stop();
  await rm(folder, { recursive: true });
});

test('delivers over TLS to who proves to be the host, and tells others nothing', async () => {
  const tenant = await WebhookTenant.create(platform);
  const proven = await Receiver.start(await known.of('localhost'));
  const others = [await known.of('elsewhere.example'), await unknown.of('localhost')];
  const impostors = await Promise.all(others.map((certificate) => Receiver.start(certificate)));
  const endpoint = await tenant.endpoint(proven.url, { payload: 'FULL' });
  const refused = await Promise.all(impostors.map(({ url }) => tenant.endpoint(url)));

  await tenant.createCustomer('Ada');
  await until(() => proven.ids.length === 1);

  expect(proven.url).toMatch(/^https:/);
  Receiver.verify(proven.taken[0]!, endpoint.secret);
  for (const { id } of refused) {
    await until(async () => (await tenant.deliveries(id))[0]?.state === 'FAILED');
    const [delivery] = await tenant.deliveries(id);
    const errors = (await tenant.attempts(delivery!.id)).map(({ error }) => error);
    expect(errors).toEqual(Array(7).fill('TLS_FAILED'));
  }
  expect(impostors.flatMap(({ requests }) => requests)).toEqual([]);
  await Promise.all([proven, ...impostors].map((each) => each.stop()));
});
