import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformCertificates, SecretFiles, sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

let folder: string;
let known: PlatformCertificates;
let unknown: PlatformCertificates;
let platform: SharedPlatform;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
  folder = await mkdtemp(join(tmpdir(), 'rapport-tls-'));
  const authority = async (path: string) => PlatformCertificates.in(await SecretFiles.in(path));
  [known, unknown] = [await authority(inject('receiverAuthority')), await authority(folder)];
});
afterAll(async () => {
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
  await expect.poll(() => proven.ids).toHaveLength(1);

  expect(proven.url).toMatch(/^https:/);
  Receiver.verify(proven.taken[0]!, endpoint.secret);
  for (const { id } of refused) {
    await expect.poll(() => tenant.deliveries(id)).toMatchObject([{ state: 'FAILED' }]);
    const [delivery] = await tenant.deliveries(id);
    const errors = (await tenant.attempts(delivery!.id)).map(({ error }) => error);
    expect(errors).toEqual(Array(7).fill('TLS_FAILED'));
  }
  expect(impostors.flatMap(({ requests }) => requests)).toEqual([]);
  await Promise.all([proven, ...impostors].map((each) => each.stop()));
});
