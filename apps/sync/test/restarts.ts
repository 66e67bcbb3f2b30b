import { queryDatabase, type Platform } from '@rapport/testing';
import { beforeAll, expect, test } from 'vitest';
import { ExchangeTenant } from './exchange/exchange-tenant.ts';
import { PeopleTable } from './exchange/people-table.ts';
import { HookedTable } from './hooks/hooked-table.ts';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

let platform: Platform;

/** The edge takes a moment to reach sync again. */
async function untilReached(tenant: WebhookTenant): Promise<void> {
  await expect.poll(() => tenant.send('GET', '/v1/webhookEndpoints')).toMatchObject({ status: 200 });
}

/** What is there when sync is restarted. */
interface Restarted {
  whileAway?: () => Promise<void>;
  afterwards: () => Promise<void>;
}

/** Each prepares something. The last one is under way only for a moment. */
const restarts: Readonly<Record<string, () => Promise<Restarted>>> = {
  'old deliveries, events and webhooks go, and what waits for an enabled endpoint stays and is delivered': async () => {
    const tenant = await WebhookTenant.create(platform);
    const [receiver, busy] = [await Receiver.start(), await Receiver.start()];
    const well = await tenant.endpoint(receiver.url);
    busy.behave = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    const waiting = await tenant.endpoint(busy.url, { payload: 'FULL', eventTypes: ['customer.updated'] });
    const disabled = await tenant.endpoint(receiver.url, { coalescingSeconds: 3_600 });
    const deliveries = (endpointId: string, state: string) =>
      tenant.query('select from webhook_delivery where endpoint_id = $1 and state = $2', [endpointId, state]);
    const id = await tenant.createCustomer('Ada');
    await tenant.updateCustomer(id, { displayName: 'Augusta' });
    await expect.poll(() => deliveries(well.id, 'DELIVERED')).toHaveLength(2);
    await expect.poll(() => busy.requests).toHaveLength(1);
    expect(await deliveries(disabled.id, 'PENDING')).toHaveLength(1);
    await tenant.ok('PATCH', `/v1/webhookEndpoints/${disabled.id}`, { state: 'DISABLED' });

    for (const table of ['webhook_delivery', 'webhook_event']) {
      await tenant.query(`update ${table} set create_time = create_time - interval '40 days' where tenant_id = $1`, [
        tenant.tenant.tenantId,
      ]);
    }
    const table = await HookedTable.create(platform);
    const [old, young] = [table.about('1'), table.about('1')];
    for (const message of [old, young]) await table.post(message, table.signed(message));
    await tenant.query(`update hook set receive_time = receive_time - interval '31 days' where message_id = $1`, [
      old.id,
    ]);

    // It looks for what is old when it starts.
    const afterwards = async () => {
      const events = () =>
        tenant.query<{ type: string }>('select type from webhook_event where tenant_id = $1', [tenant.tenant.tenantId]);

      await expect.poll(events).toEqual([{ type: 'customer.updated' }]);
      expect(await deliveries(well.id, 'DELIVERED')).toEqual([]);
      expect(await deliveries(disabled.id, 'PENDING')).toEqual([]);
      expect(await deliveries(waiting.id, 'PENDING')).toHaveLength(1);
      busy.behave = () => ({ status: 204 });
      await tenant.query('delete from webhook_hold where endpoint_id = $1', [waiting.id]);
      await expect.poll(() => busy.taken).toHaveLength(1);
      expect(busy.taken[0]?.event.data['after']).toEqual({ displayName: 'Augusta' });
      await expect.poll(async () => (await table.hooks()).map(({ messageId }) => messageId)).toEqual([young.id]);
      await Promise.all([receiver.stop(), busy.stop()]);
    };
    return { afterwards };
  },
  'an interrupted run continues, and reports its earlier progress': async () => {
    const tenant = await ExchangeTenant.create(platform);
    const people = await PeopleTable.create(tenant);
    const [count, pageSize] = [200, 100];
    await people.database.run(`INSERT INTO people (name) SELECT 'Person ' || i FROM generate_series(1, ${count}) i`);
    const mapping = await people.map({ direction: 'TO_CUSTOMERS' });
    const run = async () => (await tenant.runs(mapping)).at(-1);
    // Often, since the rest takes less than a second.
    const noted = `select from sync_run where mapping_id = $1 and (counts->>'customersCreated')::int >= $2`;
    const isAmid = async () => (await tenant.api.query(noted, [mapping, pageSize])).length > 0;
    await expect.poll(isAmid, { interval: 20 }).toBe(true);

    const whileAway = async () => {
      expect(await tenant.api.query('select state from sync_run where mapping_id = $1', [mapping])).toEqual([
        { state: 'RUNNING' },
      ]);
      await tenant.endHeartbeats();
    };
    const afterwards = async () => {
      await expect.poll(async () => (await run())?.state).toBe('SUCCEEDED');
      expect((await tenant.customers()).size).toBe(count);
      // What was done after the last page before the end was not noted.
      expect((await run())?.counts['customersCreated']).toBeGreaterThanOrEqual(count - pageSize);
    };
    return { whileAway, afterwards };
  },
};

async function receiveGap(): Promise<void> {
  const tenant = await WebhookTenant.create(platform);
  const receiver = await Receiver.start();
  await tenant.endpoint(receiver.url, { eventTypes: ['customer.created'] });
  await tenant.createCustomer();
  await expect.poll(() => receiver.ids).toHaveLength(1);
  await platform.services.sync.stop();
  await platform.services.customers.stop();
  const { superuserUrl } = platform.customersDatabase;
  // As an operator does after restoring a backup.
  await queryDatabase(superuserUrl, 'select renew_change_log_epoch()');
  // It is ready though customers is away.
  await platform.services.sync.start();
  await platform.services.customers.start();

  await expect.poll(() => receiver.ids).toHaveLength(2);
  expect(receiver.taken.at(-1)?.event).toMatchObject({ type: 'changes.gap', data: { reason: 'CURSOR_EXPIRED' } });
  // The edge takes a moment to reach customers again.
  await expect.poll(async () => (await fetch(`${platform.edgeUrl}/readyz`)).status).toBe(200);
  await tenant.createCustomer();
  await expect.poll(() => receiver.ids).toHaveLength(3);
  await receiver.stop();
}

/** Restarts sync once for all of them. */
async function restart(): Promise<ReadonlyMap<string, Restarted>> {
  const restarted = new Map<string, Restarted>();
  for (const [name, prepare] of Object.entries(restarts)) restarted.set(name, await prepare());
  await platform.services.sync.stop();
  for (const { whileAway } of restarted.values()) await whileAway?.();
  await platform.services.sync.start();
  await untilReached(await WebhookTenant.create(platform));
  return restarted;
}

/** @param current gives the platform whose sync and customers are restarted */
export function declareRestarts(current: () => Platform): void {
  beforeAll(() => {
    platform = current();
  });

  // Of the first test.
  let restarting: ReturnType<typeof restart> | undefined;
  for (const name of Object.keys(restarts)) {
    test(name, async () => (await (restarting ??= restart())).get(name)!.afterwards());
  }

  test(
    'when the log has nothing after the cursor, every endpoint receives a gap, and later changes are delivered',
    receiveGap,
  );
}
