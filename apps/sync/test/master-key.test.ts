import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExchangeTenant } from './exchange/exchange-tenant.ts';
import { PeopleTable } from './exchange/people-table.ts';
import { Receiver } from './receiver.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

let folder: string;
let retired: string;
let masterKey: string;
let platform: Platform;
let receiver: Receiver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-master-key-'));
  retired = join(folder, 'retired-master-keys');
  await writeFile(retired, '');
  // The keys of its sync change.
  platform = await startSyncPlatform({ RETIRED_MASTER_KEYS_FILE: retired });
  masterKey = join(dirname(platform.trust.signingKeyFile), 'sync-master-key');
  receiver = await Receiver.start();
});
afterAll(async () => {
  await receiver.stop();
  await platform.stop();
  await rm(folder, { recursive: true });
});

test('after a change of the master key endpoints sign and connections work as before, what was sealed opens, and all soon need the former no more', async () => {
  const tenant = await WebhookTenant.create(platform);
  const endpoint = await tenant.endpoint(receiver.url, { payload: 'FULL' });
  const sealedKeys = () =>
    tenant.query<{ text: string }>('select sealed_keys::text as text from webhook_endpoint where id = $1', [
      endpoint.id,
    ]);
  const delivered = (count: number) =>
    expect
      .poll(async () => (await tenant.deliveries(endpoint.id)).map(({ state }) => state))
      .toEqual(Array(count).fill('DELIVERED'));
  await tenant.createCustomer('Ada');
  await delivered(1);
  const formerKeys = await sealedKeys();
  const exchange = await ExchangeTenant.create(platform);
  const people = await PeopleTable.create(exchange);
  const mapping = await people.map();
  await people.insert('Grace', 'Admiral');
  await people.changeBoth(mapping);
  const heads = () =>
    exchange.api.query<{ head: string }>(
      `select encode(substr(sealed, 1, 9), 'hex') as head from (
           select sealed_secrets as sealed from connection union all select sealed_fingerprint_key from mapping
           union all select sealed_fields from sync_conflict) as kept`,
    );
  const formerHeads = await heads();
  expect(formerHeads).toHaveLength(3);

  await restartWith(tenant, await readFile(masterKey, 'utf8'), randomBytes(32).toString('base64'));
  await tenant.ok('POST', `/v1/webhookEndpoints/${endpoint.id}:replay`, { eventIds: receiver.ids });
  await delivered(2);
  await expect.poll(sealedKeys).not.toEqual(formerKeys);
  await expect.poll(heads).not.toContainEqual(formerHeads[0]);

  await restartWith(tenant, '', await readFile(masterKey, 'utf8'));
  await tenant.createCustomer('Bob');
  await delivered(3);
  const { id } = await people.customerOf('Grace');
  await exchange.api.updateCustomer(id, { jobTitle: 'Rear admiral' });

  expect(receiver.taken.map(({ event }) => event.data['after'])).toMatchObject(
    ['Ada', 'Ada', 'Bob'].map((displayName) => ({ displayName })),
  );
  for (const request of receiver.taken) Receiver.verify(request, endpoint.secret);
  // It knows what both sides agreed on.
  await expect
    .poll(() => people.titles())
    .toEqual([
      ['Ada', 'Programmer'],
      ['Grace', 'Rear admiral'],
    ]);
  expect(await exchange.conflicts(mapping)).toMatchObject([
    { fields: [{ customerValue: '"Countess"', peerValue: '"Programmer"' }] },
  ]);
});

async function restartWith(tenant: WebhookTenant, retiredKeys: string, key: string): Promise<void> {
  await platform.services.sync.stop();
  await writeFile(retired, retiredKeys);
  await writeFile(masterKey, key);
  await platform.services.sync.start();
  // The edge takes a moment to reach it again.
  await expect.poll(() => tenant.send('GET', '/v1/webhookEndpoints')).toMatchObject({ status: 200 });
}
