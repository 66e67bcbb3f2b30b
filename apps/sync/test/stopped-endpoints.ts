import type { Platform } from '@rapport/testing';
import { expect, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

/** Attempts of the platform wait 60 s for an answer. */
const soonerThanTheirTimeout = { timeout: 20_000 };

/** @param current gives the platform, whose attempts wait for an answer longer than a test, and whose sync has no other process */
export function declareStoppedEndpoints(current: () => Platform): void {
  test.each([
    ['disables', 'PATCH', { state: 'DISABLED' }],
    ['deletes', 'DELETE', undefined],
  ] as const)('the call that %s an endpoint ends the attempts to it, and none is made afterwards', async (...row) => {
    const [, method, body] = row;
    const { tenant, receiver, endpoint } = await hangingEndpoint(current());

    await tenant.ok(method, `/v1/webhookEndpoints/${endpoint.id}`, body);
    await expect.poll(() => receiver.open, soonerThanTheirTimeout).toBe(0);
    await tenant.createCustomer();
    // What would be sent goes to the other endpoint meanwhile.
    const other = await Receiver.start();
    await tenant.endpoint(other.url);
    const last = await tenant.createCustomer();
    await expect.poll(() => other.taken.some(({ event }) => event.data['recordId'] === last)).toBe(true);
    expect(receiver.requests).toHaveLength(3);

    await other.stop();
    await receiver.stop();
  });

  test('attempts end when another process has disabled their endpoint, and are made again once it is enabled', async () => {
    const { tenant, receiver, endpoint } = await hangingEndpoint(current());
    const client = await tenant.connect();
    await client.query('begin');
    await client.query(`update webhook_endpoint set state = 'DISABLED' where id = $1`, [endpoint.id]);
    await client.query('delete from webhook_job where endpoint_id = $1', [endpoint.id]);
    await client.query('commit');
    await client.end();

    await expect.poll(() => receiver.open, soonerThanTheirTimeout).toBe(0);
    receiver.behave = () => ({ status: 204 });
    await tenant.ok('PATCH', `/v1/webhookEndpoints/${endpoint.id}`, { state: 'ENABLED' });
    await expect.poll(() => receiver.ids.length).toBe(3);
    await expect
      .poll(() => tenant.deliveries(endpoint.id))
      .toMatchObject(Array(3).fill({ state: 'DELIVERED', attemptCount: 1 }));
    await receiver.stop();
  });
}

/** An endpoint to which three attempts wait for an answer. */
async function hangingEndpoint(platform: Platform) {
  const tenant = await WebhookTenant.create(platform);
  const receiver = await Receiver.start();
  receiver.behave = () => 'hang';
  const endpoint = await tenant.endpoint(receiver.url);
  for (let count = 0; count < 3; count += 1) await tenant.createCustomer();
  await expect.poll(() => receiver.requests.length).toBe(3);
  return { tenant, receiver, endpoint };
}
