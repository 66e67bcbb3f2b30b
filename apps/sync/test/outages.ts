import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { queryDatabase, type Platform, type Service } from '@rapport/testing';
import { expect, test } from 'vitest';
import { FlowTenant } from './flows/flow-tenant.ts';
import { Receiver } from './receiver.ts';
import { until } from './until.ts';
import { WebhookTenant } from './sync-platform.ts';

/** @param current gives the platform whose sync is restarted, and has no other process */
export function declareCutAttempts(current: () => Platform): void {
  test('an attempt that a restart cuts off is not counted', async () => {
    const platform = current();
    const tenant = await WebhookTenant.create(platform);
    const receiver = await Receiver.start();
    const endpoint = await tenant.endpoint(receiver.url);
    receiver.behave = () => 'hang';
    await tenant.createCustomer();
    await until(() => receiver.requests.length === 1);
    await platform.services.sync.stop();
    receiver.behave = (_, place) => ({ status: place === 1 ? 500 : 204 });
    await platform.services.sync.start();

    // The edge takes a moment to reach sync again.
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
}

/** @param current gives the platform whose sync is restarted, and has no other process */
export function declareStopAmidStep(current: () => Platform): void {
  test('a step that is under way as its process stops ends, and is made once', async () => {
    const platform = current();
    const flows = await FlowTenant.create(platform);
    const receiver = await Receiver.start();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    receiver.behave = () => ({ status: 204, after: answered });
    const call = { url: `'${receiver.url}'`, body: `{"id": record.id}`, timeoutSeconds: 20 };
    const write = { type: 'customer', id: 'record.id', fields: [{ field: 'jobTitle', value: `'Told'` }] };
    await flows.publish({
      trigger: { record: { type: 'customer', operations: ['CREATE'] } },
      steps: [
        { key: 'tell', http: call },
        { key: 'write', update: write },
      ],
    });
    const id = await flows.api.createCustomer();
    await until(() => receiver.requests.length === 1);
    const before = (await logged(platform)).length;
    const stopped = platform.services.sync.stop();
    // Long enough for what has nothing under way to stop.
    await delay(1_000);
    answer();
    await stopped;
    await platform.services.sync.start();

    const title = async () => (await flows.api.ok<{ jobTitle: string }>('GET', `/v1/customers/${id}`)).jobTitle;
    await expect.poll(title, { timeout: 60_000 }).toBe('Told');
    expect(receiver.requests).toHaveLength(1);
    expect((await logged(platform)).slice(before)).not.toContain('shut down');
    await receiver.stop();
  });
}

/**
 * @param current gives the platform whose connections are cut
 * @param running gives all processes of its sync
 */
export function declareLossOfDatabase(current: () => Platform, running: () => Service[]): void {
  test('after a loss of the database who reads the feed and who stands by are well again', async () => {
    const processes = running();
    const { superuserUrl } = current().postgres;
    for (const each of processes) await expect.poll(() => missingOf(each), { timeout: 30_000 }).toEqual([]);

    await queryDatabase(superuserUrl, 'alter role sync_app connection limit 0');
    await queryDatabase(
      superuserUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sync_app'`,
    );
    for (const each of processes) await expect.poll(() => missingOf(each), { timeout: 30_000 }).toContain('changeFeed');
    await queryDatabase(superuserUrl, 'alter role sync_app connection limit -1');

    for (const each of processes) await expect.poll(() => missingOf(each), { timeout: 60_000 }).toEqual([]);
  });
}

async function missingOf({ healthUrl }: Service): Promise<string[]> {
  return ((await (await fetch(`${healthUrl}/readyz`)).json()) as { missing?: string[] }).missing ?? [];
}

function logged({ logDir }: Platform): Promise<string> {
  return readFile(join(logDir, 'sync.log'), 'utf8');
}
