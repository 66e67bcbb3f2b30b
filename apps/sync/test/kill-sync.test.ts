import { setTimeout as delay } from 'node:timers/promises';
import { queryDatabase, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Receiver, until } from './receiver.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

let platform: Platform;
let receiver: Receiver;

beforeAll(async () => {
  // A kill takes an attempt from whatever was under way.
  platform = await startSyncPlatform({ RETRY_SCHEDULE_SECONDS: Array(20).fill(0).join() });
  receiver = await Receiver.start();
}, 120_000);
afterAll(async () => {
  await receiver.stop();
  await platform.stop();
});

test(
  'kill -9 of sync amid deliveries loses no event, and none comes out of order for its record',
  { timeout: 180_000 },
  async () => {
    const tenant = await WebhookTenant.create(platform);
    await tenant.endpoint(receiver.url);
    receiver.behave = ({ id }, place) => ({
      status: place % 5 === 0 && !receiver.requests.some((one) => one.id === id) ? 500 : 200,
    });
    const ids = await Promise.all(Array.from({ length: 20 }, (_, index) => tenant.createCustomer(`Ada ${index}`)));
    let isWriting = true;
    let updates = 0;
    const writing = (async () => {
      for (; updates < 300; updates++)
        await tenant.updateCustomer(ids[updates % 20]!, { jobTitle: `Analyst ${updates}` });
      isWriting = false;
    })();

    for (let kill = 0; kill < 3 || isWriting; kill++) {
      await delay(300);
      await platform.services.sync.kill();
      await platform.services.sync.start();
    }
    await writing;
    await until(() => receiver.ids.length === 320);

    for (const id of ids) {
      const versions = receiver.taken
        .filter(({ event }) => event.data['recordId'] === id)
        .map(({ event }) => event.data['version']);
      // What was taken just before a kill may come once more.
      expect(versions.filter((version, place) => versions.indexOf(version) === place)).toEqual(
        Array.from({ length: 16 }, (_, index) => index + 1),
      );
    }
  },
);

test(
  'when the log keeps nothing from the cursor on, every endpoint is told, and what comes then is delivered',
  { timeout: 120_000 },
  async () => {
    const tenant = await WebhookTenant.create(platform);
    const own = await Receiver.start();
    await tenant.endpoint(own.url, { eventTypes: ['customer.created'] });
    await tenant.createCustomer();
    await until(() => own.ids.length === 1);
    await platform.services.sync.stop();
    await platform.services.customers.stop();
    const { superuserUrl } = platform.customersDatabase;
    // As an operator does after restoring a backup.
    await queryDatabase(superuserUrl, 'select renew_change_log_epoch()');
    // It is ready though customers is away.
    await platform.services.sync.start();
    await platform.services.customers.start();

    await until(() => own.ids.length === 2);
    expect(own.taken.at(-1)?.event).toMatchObject({ type: 'changes.gap', data: { reason: 'CURSOR_EXPIRED' } });
    // The edge takes a moment to reach customers again.
    await until(async () => (await fetch(`${platform.edgeUrl}/readyz`)).ok);
    await tenant.createCustomer();
    await until(() => own.ids.length === 3);
    await own.stop();
  },
);
