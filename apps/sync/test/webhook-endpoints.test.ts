import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

const url = 'https://hooks.example/rapport';

let platform: SharedPlatform;
let tenant: WebhookTenant;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
});

beforeEach(async () => {
  tenant = await WebhookTenant.create(platform);
});

test('an endpoint is created, read, listed, changed and deleted, and shows its secret once', async () => {
  const created = await tenant.endpoint(url, { description: 'Warehouse' });
  const { secret, ...shown } = created;

  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(created.publicKeys).toEqual([expect.stringMatching(/^whpk_/)]);
  expect(created).toMatchObject({
    url,
    payload: 'THIN',
    state: 'ENABLED',
    coalescingSeconds: 0,
    hidesPersonalData: false,
  });
  expect(await tenant.getEndpoint(created.id)).toEqual(shown);
  expect(await tenant.ok('GET', '/v1/webhookEndpoints')).toEqual({ webhookEndpoints: [shown] });
  const path = `/v1/webhookEndpoints/${created.id}`;
  const changed = await tenant.ok('PATCH', path, { payload: 'FULL', fields: ['emails'] }, { 'if-match': created.etag });
  expect(changed).toMatchObject({ payload: 'FULL', fields: ['emails'], url });
  const stale = await tenant.send('PATCH', path, { payload: 'THIN' }, { 'if-match': created.etag });
  const unrotated = await tenant.send('POST', `${path}:rotateSecret`, undefined, { 'if-match': created.etag });
  for (const refused of [stale, unrotated])
    expect(refused).toMatchObject({ status: 412, body: { code: 'ETAG_MISMATCH' } });
  expect((await tenant.send('DELETE', path)).status).toBe(204);
  expect(await tenant.send('GET', path)).toMatchObject({ status: 404, body: { code: 'WEBHOOK_ENDPOINT_NOT_FOUND' } });
});

test('a repeated create answers as the first time, secret included, and the database has it nowhere in clear', async () => {
  const body = { url, eventTypes: ['*'] };
  const key = { 'idempotency-key': 'once' };
  const first = await tenant.ok<{ id: string; secret: string }>('POST', '/v1/webhookEndpoints', body, key);

  expect(await tenant.ok('POST', '/v1/webhookEndpoints', body, key)).toEqual(first);

  const rows = await tenant.query<{ found: boolean }>(
    `select position($1::bytea in response) > 0 or position($2::bytea in response) > 0 as found from idempotency_key
     union all select position($2::bytea in sealed_keys) > 0 from webhook_endpoint`,
    [Buffer.from(first.secret), Buffer.from(first.secret.slice(6), 'base64')],
  );
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(rows.filter(({ found }) => found)).toEqual([]);
});

test.each([
  ['http://hooks.example/', '/url', 'URL_NOT_ALLOWED'],
  ['https://10.0.0.1/', '/url', 'URL_NOT_ALLOWED'],
  ['https://[::1]/', '/url', 'URL_NOT_ALLOWED'],
  ['https://0xa.1/', '/url', 'URL_NOT_ALLOWED'],
  ['https://user@hooks.example/', '/url', 'URL_NOT_ALLOWED'],
  ['https://hooks.example/#here', '/url', 'URL_NOT_ALLOWED'],
  ['hooks', '/url', 'BAD_FORMAT'],
])('refuses the URL %s and says which field is wrong', async (wrong, pointer, code) => {
  const answer = await tenant.send('POST', '/v1/webhookEndpoints', { url: wrong, eventTypes: ['*'] });

  expect(answer).toMatchObject({ status: 400, body: { errors: [{ in: 'body', pointer, code }] } });
});

test.each([
  ['deal.won', 'must be one of deal.*, deal.created, deal.updated, deal.deleted, deal.undeleted, deal.merged'],
  ['contact.*', expect.stringMatching(/^must be \*, or one of the types .*customer, .*deal, /) as string],
])('refuses the type of event %s, and says which ones there are', async (type, detail) => {
  const answer = await tenant.send('POST', '/v1/webhookEndpoints', { url, eventTypes: ['customer.*', type] });

  expect(answer).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/eventTypes/1', code: 'EVENT_TYPE_UNKNOWN', detail }] },
  });
});

test('refuses fields that no subscribed type has, because no update would ever arrive', async () => {
  const refusal = (index: number) => ({
    status: 400,
    body: { errors: [{ in: 'body', pointer: `/fields/${index}`, code: 'UNKNOWN_FIELD' }] },
  });
  const wanted = { url, eventTypes: ['customer.*'], fields: ['emails', 'stage'] };
  expect(await tenant.send('POST', '/v1/webhookEndpoints', wanted)).toMatchObject(refusal(1));

  const { id } = await tenant.endpoint(url, { eventTypes: ['customer.*', 'deal.*'], fields: ['emails', 'stage'] });
  const path = `/v1/webhookEndpoints/${id}`;
  expect(await tenant.send('PATCH', path, { fields: ['nonsense'] })).toMatchObject(refusal(0));
  expect(await tenant.send('PATCH', path, { state: 'DISABLED' })).toMatchObject({ status: 200 });
});

test('a caller without read access to customers cannot create an endpoint', async () => {
  const key = await tenant.withKey({ permissions: ['webhooks.write', 'webhooks.read'] });

  const answer = await key.send('POST', '/v1/webhookEndpoints', { url, eventTypes: ['*'] });

  expect(answer).toMatchObject({ status: 403, body: { code: 'PERMISSION_MISSING' } });
});

test('an endpoint hides personal data after a change by a caller without access to it', async () => {
  const { id } = await tenant.endpoint(url);
  const key = await tenant.withKey({ permissions: ['webhooks.write', 'customers.read'], hidesPii: true });

  await key.ok('PATCH', `/v1/webhookEndpoints/${id}`, { description: 'Ours' });
  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { description: 'Theirs' });

  expect(await tenant.getEndpoint(id)).toMatchObject({ hidesPersonalData: true });
});

test('an endpoint for all events gets those about records that the caller who set them may read', async () => {
  const [receiver, other] = [await Receiver.start(), await Receiver.start()];
  const { id } = await tenant.endpoint(receiver.url, { eventTypes: ['*'] });
  await tenant.endpoint(other.url, { eventTypes: ['*'] });
  // As it is with a type of records that came after the endpoint.
  await tenant.query(`update webhook_endpoint set read_permissions = '{}' where id = $1`, [id]);

  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { description: 'Ours' });
  await tenant.createCustomer('Ada');
  await expect.poll(() => other.ids).toHaveLength(1);
  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { eventTypes: ['*'] });
  await tenant.createCustomer('Bob');
  await expect.poll(() => other.ids).toHaveLength(2);
  await expect.poll(() => receiver.ids).toEqual(other.ids.slice(1));

  await Promise.all([receiver.stop(), other.stop()]);
});

test('a change of an endpoint by a caller that may read less takes away what that caller may not read', async () => {
  const { id } = await tenant.endpoint(url, { eventTypes: ['*'] });
  await tenant.query(
    `update webhook_endpoint set read_permissions = '{customers.read,siteVisits.read}' where id = $1`,
    [id],
  );

  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { description: 'Ours' });

  const found = await tenant.query('select read_permissions from webhook_endpoint where id = $1', [id]);
  expect(found).toEqual([{ read_permissions: ['customers.read'] }]);
});

test('an endpoint that does nothing but fail is disabled, and gets what is pending once it is enabled', async () => {
  const receiver = await Receiver.start();
  const { id } = await tenant.endpoint(receiver.url);
  receiver.behave = () => ({ status: 503 });
  // It may fail for five days.
  await tenant.query(`update webhook_endpoint set failing_time = now() - interval '121 hours' where id = $1`, [id]);

  await tenant.createCustomer();
  await expect.poll(() => tenant.getEndpoint(id)).toMatchObject({ state: 'DISABLED', disableReason: 'FAILING' });
  receiver.behave = () => ({ status: 200 });
  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { state: 'ENABLED' });
  await expect.poll(() => receiver.ids).toHaveLength(1);

  const enabled = await tenant.getEndpoint(id);
  expect(enabled).not.toHaveProperty('disableReason');
  await receiver.stop();
});

test.each([
  ['that failed for long, once it has received something', 503, () => tenant.createCustomer()],
  ['that is gone, once it has another URL', 410, (path: string) => tenant.ok('PATCH', path, { url })],
])('a late answer does not disable an endpoint %s', async (_, status, repair) => {
  const receiver = await Receiver.start();
  const { id } = await tenant.endpoint(receiver.url);
  const { promise: held, resolve: answer } = Promise.withResolvers<void>();
  receiver.behave = (__, place) => (place === 0 ? { status, after: held } : { status: place === 1 ? 204 : 503 });
  await tenant.query(`update webhook_endpoint set failing_time = now() - interval '121 hours' where id = $1`, [id]);
  await tenant.createCustomer();
  await expect.poll(() => receiver.requests).toHaveLength(1);

  await repair(`/v1/webhookEndpoints/${id}`);
  if (status === 503) await expect.poll(() => tenant.getEndpoint(id)).not.toHaveProperty('failingTime');
  answer();

  const attempts = 'select status from webhook_attempt where tenant_id = $1';
  await expect.poll(() => tenant.query(attempts, [tenant.tenant.tenantId])).toContainEqual({ status });
  expect(await tenant.getEndpoint(id)).toMatchObject({ state: 'ENABLED' });
  await receiver.stop();
});

test('what is done to endpoints is in the chain of the tenant, with who did it', async () => {
  const { id } = await tenant.endpoint(url);
  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { state: 'DISABLED' });
  await tenant.ok('POST', `/v1/webhookEndpoints/${id}:rotateSecret`);
  await tenant.send('DELETE', `/v1/webhookEndpoints/${id}`);

  const entries = await tenant.query<{ kind: string; actor: string }>(
    'select kind, actor from audit_entry where $1 = any (records) order by number',
    [`webhookEndpoint/${id}`],
  );
  expect(entries.map(({ kind }) => kind)).toEqual([
    'WEBHOOK_ENDPOINT_CREATED',
    'WEBHOOK_ENDPOINT_CHANGED',
    'WEBHOOK_SECRET_ROTATED',
    'WEBHOOK_ENDPOINT_DELETED',
  ]);
  expect(new Set(entries.map(({ actor }) => actor.split(':')[0]))).toEqual(new Set(['apiKey']));
});

test('a delivery names its record to callers that can read the record', async () => {
  const { id: endpointId } = await tenant.endpoint(url);
  const customerId = await tenant.createCustomer('Ada');
  const permissions = ['webhooks.read', 'customers.read'];
  const listed = async (by: WebhookTenant) => {
    const { webhookDeliveries } = await by.ok<{ webhookDeliveries: { id: string }[] }>('GET', '/v1/webhookDeliveries');
    return webhookDeliveries;
  };
  const reader = await tenant.withKey({ permissions });
  await expect.poll(() => listed(reader)).toMatchObject([{ endpointId, record: `customer/${customerId}` }]);

  for (const limits of [{ permissions, recordScope: 'OWN' }, { permissions: permissions.slice(0, 1) }]) {
    const other = await tenant.withKey(limits);
    const [delivery] = await listed(other);
    expect(delivery).toMatchObject({ endpointId, eventType: 'customer.created' });
    expect(delivery).not.toHaveProperty('record');
    expect(await other.ok('GET', `/v1/webhookDeliveries/${delivery?.id}`)).not.toHaveProperty('record');
  }
});
