import { queryDatabase, type Platform, type Service } from '@rapport/testing';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

// What is late takes no pod away: with fewer of them it would get later still.
let platform: Platform;
let tenant: WebhookTenant;

const lateWork: Readonly<Record<string, () => Promise<void>>> = {
  'customers reports changes that wait for their positions, and keeps working': async () => {
    const { superuserUrl } = platform.customersDatabase;
    const holder = new pg.Client(superuserUrl);
    await holder.connect();
    await holder.query('begin');
    await holder.query('select lock_change_log()');
    const created = tenant.ok('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Waiting' });
    const age = `update outbox set time = time - interval '1 minute' returning sequence`;
    await expect.poll(() => queryDatabase(superuserUrl, age)).toHaveLength(1);

    await becomes(platform.services.customers, { status: 'degraded', missing: ['changeLog'] });
    await holder.end();
    await becomes(platform.services.customers, { status: 'ok' });
    await created;
  },
  'sync tells of deliveries that are due for long, and goes on': async () => {
    // Nothing has changed in it: an endpoint also receives a change from before it that the feed had not brought yet.
    const calm = await WebhookTenant.create(platform);
    const receiver = await Receiver.start();
    receiver.behave = () => 'hang';
    await calm.endpoint(receiver.url);
    for (let index = 0; index < 20; index += 1) await calm.createCustomer(`Late ${index}`);
    const pending = async () => {
      const metrics = await (await fetch(`${platform.services.sync.healthUrl}/metrics`)).text();
      return /^rapport_webhook_pending_jobs (\S+)$/m.exec(metrics)?.[1];
    };
    await expect.poll(pending).toBe('20');
    // Those that no attempt of is under way are due.
    const age = `update webhook_job set due_time = due_time - interval '1 hour' where due_time < now() returning 1`;
    await expect.poll(() => calm.query(age)).not.toHaveLength(0);

    await becomes(platform.services.sync, { status: 'degraded', missing: ['deliveries'] });
    receiver.behave = () => ({ status: 204 });
    await receiver.stop();
    await becomes(platform.services.sync, { status: 'ok' });
  },
  'sync reports runs of flows that are due for long, and keeps working': async () => {
    const holder = await tenant.connect();
    const [job] = await tenant.query<{ run_id: string }>(
      `insert into flow_job (run_id, tenant_id, flow_id, due_time)
       values (gen_random_uuid(), $1, $1, now() + interval '1 hour') returning run_id`,
      [tenant.tenant.tenantId],
    );
    const values = [job?.run_id];
    await holder.query('begin');
    // No process claims a locked run, whose times can change all the same.
    await holder.query('select from flow_job where run_id = $1 for key share', values);
    await tenant.query(`update flow_job set due_time = now() - interval '1 hour' where run_id = $1`, values);

    await becomes(platform.services.sync, { status: 'degraded', missing: ['flows'] });
    const metrics = await (await fetch(`${platform.services.sync.healthUrl}/metrics`)).text();
    expect(metrics).toMatch(/^rapport_flow_oldest_due_seconds\{of="runs"\} 3[67]\d\d/m);
    await holder.end();
    await becomes(platform.services.sync, { status: 'ok' });
    await tenant.query('delete from flow_job where run_id = $1', values);
  },
  'sync tells that it hears nothing of the change feed, and goes on': async () => {
    await platform.services.customers.kill();
    try {
      await becomes(platform.services.sync, { status: 'degraded', missing: ['changeFeed'] });
    } finally {
      // The tests that follow need it.
      await platform.services.customers.start();
    }
    await becomes(platform.services.sync, { status: 'ok' });
  },
};

async function becomes(service: Service, state: { status: string; missing?: string[] }): Promise<void> {
  const probe = async () => {
    const answer = await fetch(`${service.healthUrl}/readyz`);
    return { code: answer.status, ...((await answer.json()) as object) };
  };
  await expect.poll(probe).toEqual({ code: 200, ...state });
}

/**
 * What is late is that of all tenants, so nothing else may be.
 *
 * @param current gives the platform whose customers is killed
 */
export function declareLateWork(current: () => Platform): void {
  beforeAll(async () => {
    platform = current();
    tenant = await WebhookTenant.create(platform);
  });
  for (const [name, run] of Object.entries(lateWork)) test(name, run);
}
