import type { Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Receiver, until } from './receiver.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

let platform: Platform;
let receiver: Receiver;

beforeAll(async () => {
  platform = await startSyncPlatform();
  receiver = await Receiver.start();
}, 120_000);
afterAll(async () => {
  await receiver.stop();
  await platform.stop();
});

test(
  'old deliveries and events go, and what waits for an enabled endpoint stays and is delivered',
  { timeout: 120_000 },
  async () => {
    const tenant = await WebhookTenant.create(platform);
    const well = await tenant.endpoint(receiver.url);
    const busy = await Receiver.start();
    busy.behave = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    const waiting = await tenant.endpoint(busy.url, { payload: 'FULL', eventTypes: ['customer.updated'] });
    const disabled = await tenant.endpoint(receiver.url, { coalescingSeconds: 3_600 });
    const deliveries = (endpointId: string, state: string) =>
      tenant.query('select from webhook_delivery where endpoint_id = $1 and state = $2', [endpointId, state]);
    const id = await tenant.createCustomer('Ada');
    await tenant.updateCustomer(id, { displayName: 'Augusta' });
    await until(async () => (await deliveries(well.id, 'DELIVERED')).length === 2 && busy.requests.length === 1);
    expect((await deliveries(disabled.id, 'PENDING')).length).toBe(1);
    await tenant.ok('PATCH', `/v1/webhookEndpoints/${disabled.id}`, { state: 'DISABLED' });

    for (const table of ['webhook_delivery', 'webhook_event']) {
      await tenant.query(`update ${table} set create_time = create_time - interval '40 days' where tenant_id = $1`, [
        tenant.tenant.tenantId,
      ]);
    }
    // It looks for what is old when it starts.
    await platform.services.sync.stop();
    await platform.services.sync.start();
    const events = () =>
      tenant.query<{ type: string }>('select type from webhook_event where tenant_id = $1', [tenant.tenant.tenantId]);
    await until(async () => (await events()).length === 1);

    expect(await events()).toEqual([{ type: 'customer.updated' }]);
    expect(await deliveries(well.id, 'DELIVERED')).toEqual([]);
    expect(await deliveries(disabled.id, 'PENDING')).toEqual([]);
    expect((await deliveries(waiting.id, 'PENDING')).length).toBe(1);
    busy.behave = () => ({ status: 204 });
    await tenant.query('update webhook_job set due_time = now() where endpoint_id = $1', [waiting.id]);
    await until(() => busy.taken.length === 1);
    expect(busy.taken[0]?.event.data['after']).toEqual({ displayName: 'Augusta' });
    await busy.stop();
  },
);
