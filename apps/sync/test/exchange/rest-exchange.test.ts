import { sharedPlatform } from '@rapport/testing';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { raw, RestServer } from '../connectors/rest-server.ts';
import { ExchangeTenant, type Run } from './exchange-tenant.ts';

const webhookSecret = `whsec_${Buffer.alloc(24, 'key').toString('base64')}`;
const fields = [
  { customerField: 'displayName', peerField: 'name' },
  { customerField: 'jobTitle', peerField: 'title' },
  { customerField: 'emails', peerField: 'email', transform: 'FIRST_OF_LIST' },
];

const platform = await sharedPlatform(inject('platformUrl'));
let server: RestServer;
let tenant: ExchangeTenant;
let connection: string;
beforeEach(async () => {
  server = await RestServer.start({ paging: 'PAGE', wrap: 'data' });
  tenant = await ExchangeTenant.create(platform);
  const { bearerToken, ...settings } = server.configuration;
  connection = await tenant.connect('rest', settings, { bearerToken, webhookSecret });
});
afterEach(() => server.stop());

const customerOf = async (name: string) =>
  [...(await tenant.customers()).values()].find(({ displayName }) => displayName === name);
const issuesOf = (runs: Run[]) => runs.flatMap(({ issues = [] }) => issues);

test('a service and customers become equal, both ways, digit for digit', async () => {
  await tenant.api.ok('POST', '/v1/customFields', { key: 'paid', type: 'DECIMAL' });
  const mappings = [...fields, { customerField: 'customFields.paid', peerField: 'paid' }];
  const id = server.add({
    name: 'Ada Lovelace',
    email: 'ada@example.com',
    paid: raw('12345678901234567.80'),
    shoe: 43,
  });
  await tenant.api.createCustomer('Grace Hopper', { emails: [{ address: 'grace@example.com' }] });

  const mapping = await tenant.map(connection, { recordType: 'people', fields: mappings });
  await tenant.untilEqual(mapping, 2);
  const ada = await customerOf('Ada Lovelace');
  expect(ada).toMatchObject({ customFields: { paid: '12345678901234567.80' } });
  expect(server.all()).toMatchObject([{}, { name: 'Grace Hopper', email: 'grace@example.com' }]);

  await tenant.api.updateCustomer(ada?.id ?? '', { jobTitle: 'Countess', customFields: { paid: '0.1' } });
  await tenant.run(mapping);
  expect(server.stored(id)).toContain('"paid":0.10,"shoe":43,"title":"Countess"');
  server.edit(id, { title: 'Programmer' });
  await tenant.run(mapping);
  expect(await customerOf('Ada Lovelace')).toMatchObject({ jobTitle: 'Programmer' });
  await tenant.untilEqual(mapping, 2);
  expect(server.all()).toHaveLength(2);

  server.remove(id);
  expect(await tenant.run(mapping, { kind: 'RECONCILE' })).toMatchObject({
    state: 'SUCCEEDED',
    counts: { conflicts: 0 },
  });
  expect(await customerOf('Ada Lovelace')).toBeUndefined();
});

test('an edit during the hold of a service reaches it afterwards, though a run has succeeded meanwhile', async () => {
  const id = server.add({ name: 'Ada' });
  const mapping = await tenant.map(connection, { recordType: 'people', fields });
  await tenant.untilEqual(mapping, 1);
  server.instead = () => ({ status: 503, headers: { 'retry-after': '3600' } });
  expect(await tenant.run(mapping)).toMatchObject({ state: 'FAILED', errorReason: 'PEER_UNAVAILABLE' });
  server.instead = undefined;
  expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED' });

  const ada = await customerOf('Ada');
  await tenant.api.updateCustomer(ada?.id ?? '', { jobTitle: 'Countess' });
  const noted = 'select 1 from sync_hint where mapping_id = $1 and record_id = $2';
  await expect.poll(() => tenant.api.query(noted, [mapping, ada?.id]), { timeout: 30_000 }).toHaveLength(1);
  await tenant.api.query(
    `update mapping_schedule set due_time = due_time - interval '1 hour', hold_time = hold_time - interval '1 hour'
     where mapping_id = $1`,
    [mapping],
  );

  await expect.poll(() => server.stored(id), { timeout: 30_000 }).toContain('Countess');
});

test('a value that the service refuses costs its field, with an issue', async () => {
  const id = server.add({ name: 'Ada' });
  const mapping = await tenant.map(connection, { recordType: 'people', fields });
  await tenant.run(mapping);
  const ada = await customerOf('Ada');
  server.instead = ({ method }) =>
    method === 'PATCH' ? { status: 422, body: { errors: [{ path: ['data', 'title'] }] } } : undefined;
  await tenant.api.updateCustomer(ada?.id ?? '', { jobTitle: 'Countess' });
  await tenant.run(mapping);

  const runs = await Promise.all(
    (await tenant.runs(mapping)).map((run) => tenant.api.ok<Run>('GET', `/v1/syncRuns/${run.id}`)),
  );
  expect(issuesOf(runs)).toContainEqual(
    expect.objectContaining({ recordId: String(id), reason: 'VALUE_UNFIT', field: 'title' }),
  );
  expect(await tenant.mapping(mapping)).toMatchObject({ state: 'ENABLED' });
});

test('a webhook of the service has its record read again', async () => {
  const id = server.add({ name: 'Ada' });
  const mapping = await tenant.map(connection, { recordType: 'people', fields });
  await tenant.run(mapping);
  // So old that no read of changes finds it.
  server.edit(id, { title: 'Countess' }, Date.parse('2001-02-03'));
  const [message, at] = [`msg_${crypto.randomUUID()}`, new Date()];
  const body = JSON.stringify({ recordType: 'people', ids: [id] });
  const answer = await fetch(`${platform.edgeUrl}/v1/hooks/${connection}`, {
    method: 'POST',
    headers: {
      ...{ 'webhook-id': message, 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)) },
      'webhook-signature': new Webhook(webhookSecret).sign(message, at, body),
    },
    body,
  });

  expect(answer.status).toBe(202);
  await expect.poll(() => customerOf('Ada')).toMatchObject({ jobTitle: 'Countess' });
});

test('a check reports what can be exchanged, or the wrong setting, and reaches no private address', async () => {
  const check = (id: string) => tenant.api.send('POST', `/v1/connections/${id}:check`, {});
  expect(await check(connection)).toMatchObject({
    status: 200,
    body: { recordTypes: [{ name: 'people', incremental: true, creates: true, updates: true, deletes: true }] },
  });

  const { bearerToken, ...settings } = server.configuration;
  const wrong = await tenant.connect('rest', { ...settings, path: '/persons' }, { bearerToken });
  const answer = await check(wrong);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.body).toMatchObject({ code: 'PEER_INVALID' });
  expect(JSON.stringify(answer.body)).toContain('It has /people.');

  const inner = { ...settings, url: 'https://10.0.0.1/', documentUrl: 'https://10.0.0.1/openapi.json' };
  expect(await check(await tenant.connect('rest', inner, { bearerToken }))).toMatchObject({
    status: 503,
    body: { code: 'PEER_UNAVAILABLE' },
  });
});
