import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { until } from './until.ts';
import { WebhookTenant } from './sync-platform.ts';

let platform: SharedPlatform;
let hostile: WebhookTenant;
let calm: WebhookTenant;
let receivers: { hostile: Receiver; calm: Receiver };

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
}, 120_000);

beforeEach(async () => {
  [hostile, calm] = [await WebhookTenant.create(platform), await WebhookTenant.create(platform)];
  receivers = { hostile: await Receiver.start(), calm: await Receiver.start() };
});
afterEach(async () => {
  await receivers.hostile.stop();
  await receivers.calm.stop();
});

test('a tenant whose endpoint is locked holds up nobody else, and loses nothing', { timeout: 60_000 }, async () => {
  const endpoint = await hostile.endpoint(receivers.hostile.url);
  await calm.endpoint(receivers.calm.url);
  const holding = await hostile.connect();
  await holding.query('begin');
  await holding.query('select 1 from webhook_endpoint where id = $1 for update', [endpoint.id]);

  const id = await hostile.createCustomer();
  for (let step = 0; step < 20; step += 1) {
    await hostile.updateCustomer(id, { jobTitle: `Analyst ${step}` });
    await calm.createCustomer(`Calm ${step}`);
  }
  await until(() => receivers.calm.ids.length === 20);
  expect(receivers.hostile.requests).toEqual([]);

  await holding.query('rollback');
  await holding.end();
  await hostile.updateCustomer(id, { jobTitle: 'Countess' });
  await until(() => receivers.hostile.ids.length === 22);
  expect(receivers.hostile.taken.map(({ event }) => event.data['version'])).toEqual(
    Array.from({ length: 22 }, (_, index) => index + 1),
  );
});

test('attempts that wait for the locks of their tenant leave the others their connections', async () => {
  for (let index = 0; index < 4; index += 1) await hostile.endpoint(receivers.hostile.url);
  await calm.endpoint(receivers.calm.url);
  receivers.hostile.behave = () => 'hang';
  for (let index = 0; index < 16; index += 1) await hostile.createCustomer();
  // More than there are connections. Each ends soon by its time limit.
  await until(() => receivers.hostile.requests.length >= 40);
  const holding = await hostile.connect();
  await holding.query('begin');
  const { tenantId } = hostile.tenant;
  await holding.query('select 1 from webhook_endpoint where tenant_id = $1 for update', [tenantId]);
  const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = 'sync'`;
  await until(async () => (await hostile.query(waiting)).length >= 6);

  for (let index = 0; index < 10; index += 1) await calm.createCustomer();
  await until(() => receivers.calm.ids.length === 10);

  receivers.hostile.behave = () => ({ status: 204 });
  await holding.query('rollback');
  await holding.end();
  await until(() => receivers.hostile.ids.length === 16);
}, 60_000);

test('attempts of an endpoint that are received while another one is written are written together', async () => {
  await hostile.endpoint(receivers.hostile.url);
  await calm.endpoint(receivers.calm.url);
  const { tenantId } = hostile.tenant;
  const name = `wait_${tenantId.replaceAll('-', '')}`;
  await hostile.query(
    `create function ${name}() returns trigger language plpgsql as
       $$ begin perform pg_advisory_xact_lock(hashtext('${name}')); return new; end $$`,
  );
  await hostile.query(
    `create trigger ${name} before insert on webhook_attempt for each row
     when (new.tenant_id = '${tenantId}') execute function ${name}()`,
  );
  const holding = await hostile.connect();
  await holding.query('select pg_advisory_lock(hashtext($1))', [name]);

  const items = Array.from({ length: 8 }, (_, index) => ({
    customer: { kind: 'PERSON', displayName: `One ${index}` },
  }));
  await hostile.ok('POST', '/v1/customers:batchCreate', { items });
  await until(() => receivers.hostile.ids.length === 8);
  // Its answer comes to sync after those.
  await calm.createCustomer();
  await until(() => receivers.calm.ids.length === 1);
  await holding.end();

  const written = `select xmin::text, delivery_id, number from webhook_attempt where tenant_id = $1`;
  const attempts = () => hostile.query<{ xmin: string; number: number }>(written, [tenantId]);
  await until(async () => (await attempts()).length === 8);
  expect(new Set((await attempts()).map(({ xmin }) => xmin)).size).toBe(2);
  expect((await attempts()).every(({ number }) => number === 1)).toBe(true);
  const left = 'select 1 from webhook_job where tenant_id = $1';
  await until(async () => (await hostile.query(left, [tenantId])).length === 0);
  await hostile.query(`drop function ${name} cascade`);
}, 60_000);

test('a tenant whose deliveries cannot start delays no other', { timeout: 60_000 }, async () => {
  await hostile.endpoint(receivers.hostile.url);
  await calm.endpoint(receivers.calm.url);
  await hostile.query(
    `create or replace function refuse_delivery() returns trigger language plpgsql as
       $$ begin raise exception 'refused'; end $$`,
  );
  const trigger = `refuse_${hostile.tenant.tenantId.replaceAll('-', '')}`;
  await hostile.query(
    `create trigger ${trigger} before update on webhook_delivery for each row
     when (new.tenant_id = '${hostile.tenant.tenantId}') execute function refuse_delivery()`,
  );
  try {
    for (let index = 0; index < 8; index += 1) await hostile.createCustomer();
    await calm.createCustomer();
    await until(() => receivers.calm.ids.length === 1);
    expect(receivers.hostile.requests).toEqual([]);
  } finally {
    await hostile.query(`drop trigger ${trigger} on webhook_delivery`);
  }
  await until(() => receivers.hostile.ids.length === 8);
});

test('Retry-After touches nothing that waits, and holds until the endpoint is enabled anew', async () => {
  const endpoint = await hostile.endpoint(receivers.hostile.url);
  receivers.hostile.behave = () => 'hang';
  for (let index = 0; index < 20; index += 1) await hostile.createCustomer();
  const jobs = `select count(*)::int as count from webhook_job where endpoint_id = $1`;
  const waiting = async () => (await hostile.query<{ count: number }>(jobs, [endpoint.id]))[0]?.count;
  await until(async () => (await waiting()) === 20);
  const untouched = `select delivery_id, ctid::text from webhook_job where endpoint_id = $1 and claim_id is null order by 1`;
  receivers.hostile.behave = () => ({ status: 503, headers: { 'retry-after': '3600' } });

  const held = 'select 1 from webhook_hold where endpoint_id = $1';
  await until(async () => (await hostile.query(held, [endpoint.id])).length === 1);
  // All that were under way by then have come to their end.
  const claimed = `${jobs} and claim_id is not null`;
  await until(async () => (await hostile.query<{ count: number }>(claimed, [endpoint.id]))[0]?.count === 0);
  const before = await hostile.query(untouched, [endpoint.id]);
  const sent = receivers.hostile.requests.length;
  await calm.endpoint(receivers.calm.url);
  await calm.createCustomer();
  await until(() => receivers.calm.ids.length === 1);

  expect(await hostile.query(untouched, [endpoint.id])).toEqual(before);
  expect(receivers.hostile.requests.length).toBe(sent);
  const due = `${jobs} and due_time <= now()`;
  expect((await hostile.query<{ count: number }>(due, [endpoint.id]))[0]?.count).toBeGreaterThan(0);

  receivers.hostile.behave = () => ({ status: 204 });
  for (const state of ['DISABLED', 'ENABLED']) {
    await hostile.ok('PATCH', `/v1/webhookEndpoints/${endpoint.id}`, { state });
  }
  await until(() => receivers.hostile.ids.length === 20);
});
