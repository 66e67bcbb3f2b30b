import { join } from 'node:path';
import { freePort, queryDatabase, type Platform, type Service } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { until } from './until.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

let platform: Platform;
let second: Service;
let tenant: WebhookTenant;

beforeAll(async () => {
  platform = await startSyncPlatform({ RETRY_SCHEDULE_SECONDS: '0', ATTEMPT_TIMEOUT_MS: '60000' });
  tenant = await WebhookTenant.create(platform);
  const [grpcPort, healthPort] = [await freePort(), await freePort()];
  const env = { GRPC_ADDRESS: `127.0.0.1:${grpcPort}`, HEALTH_PORT: String(healthPort) };
  const logFile = join(platform.logDir, 'sync-2.log');
  second = platform.services.sync.another({ name: 'sync-2', healthPort, env, logFile });
}, 120_000);
afterAll(async () => {
  await second.stop();
  await platform.stop();
});

test('an attempt that a restart cuts off is not counted', { timeout: 120_000 }, async () => {
  const receiver = await Receiver.start();
  const endpoint = await tenant.endpoint(receiver.url);
  receiver.behave = () => 'hang';
  await tenant.createCustomer();
  await until(() => receiver.requests.length === 1);
  await platform.services.sync.stop();
  receiver.behave = (_, place) => ({ status: place === 1 ? 500 : 204 });
  await platform.services.sync.start();

  // The schedule has one more attempt after the first that fails. The edge takes a moment to reach sync again.
  const deliveries = () => tenant.deliveries(endpoint.id);
  await expect.poll(deliveries, { timeout: 60_000 }).not.toMatchObject([{ state: 'PENDING' }]);
  const [delivery] = await deliveries();
  expect(delivery).toMatchObject({ state: 'DELIVERED', attemptCount: 2 });
  expect(await tenant.attempts(delivery!.id)).toMatchObject([
    { number: 1, status: 500 },
    { number: 2, status: 204 },
  ]);
  await receiver.stop();
});

test('after a loss of the database who reads the feed and who stands by are well again', async () => {
  await second.start();
  const processes = [platform.services.sync, second];
  const { superuserUrl } = platform.postgres;
  for (const each of processes) await expect.poll(() => missingOf(each), { timeout: 30_000 }).toEqual([]);

  await queryDatabase(superuserUrl, 'alter role sync_app connection limit 0');
  await queryDatabase(
    superuserUrl,
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sync_app'`,
  );
  for (const each of processes) await expect.poll(() => missingOf(each), { timeout: 30_000 }).toContain('changeFeed');
  await queryDatabase(superuserUrl, 'alter role sync_app connection limit -1');

  for (const each of processes) await expect.poll(() => missingOf(each), { timeout: 60_000 }).toEqual([]);
}, 180_000);

async function missingOf({ healthUrl }: Service): Promise<string[]> {
  return ((await (await fetch(`${healthUrl}/readyz`)).json()) as { missing?: string[] }).missing ?? [];
}
