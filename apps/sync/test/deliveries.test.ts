import { createHmac, createPublicKey, verify } from 'node:crypto';
import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { Receiver, type Received } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

let platform: SharedPlatform;
let tenant: WebhookTenant;
let receiver: Receiver;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
});

beforeEach(async () => {
  tenant = await WebhookTenant.create(platform);
  receiver = await Receiver.start();
});
afterEach(async () => receiver.stop());

test('a receiver that fails, hangs, resets and redirects gets every event, with one id each, signed, in order for each record', async () => {
  const endpoint = await tenant.endpoint(receiver.url, { payload: 'FULL' });
  const elsewhere = await Receiver.start();
  const bad = [{ status: 500 }, 'hang', 'reset', { status: 302, headers: { location: elsewhere.url } }] as const;
  // Each event goes wrong up to four times, each time in another way.
  const tries = new Map<string, number>();
  receiver.behave = ({ id }) => {
    if (!tries.has(id)) tries.set(id, 0);
    const order = [...tries.keys()].indexOf(id);
    const failed = tries.get(id) ?? 0;
    tries.set(id, failed + 1);
    return failed < order % 5 ? bad[(order + failed) % bad.length]! : { status: 200 };
  };

  const ids = await Promise.all(['Ænne', 'Bob', 'Eve'].map((name) => tenant.createCustomer(name)));
  for (const step of [1, 2, 3]) {
    await Promise.all(ids.map((id) => tenant.updateCustomer(id, { jobTitle: `Analyst ${step}` })));
  }
  // Five attempts hang until their deadline.
  await expect.poll(() => receiver.ids).toHaveLength(12);

  expect(elsewhere.connections).toBe(0);
  await elsewhere.stop();
  for (const id of ids) {
    const first = firstTaken(receiver).filter(({ event }) => event.data['recordId'] === id);
    expect(first.map(({ event }) => event.data['version'])).toEqual([1, 2, 3, 4]);
  }
  for (const request of receiver.requests) Receiver.verify(request, endpoint.secret);
  const bodies = Map.groupBy(receiver.requests, ({ id }) => id);
  expect([...bodies.values()].map((tries) => new Set(tries.map(({ text }) => text)).size)).toEqual(Array(12).fill(1));
});

test('every attempt is in the ledger, with what came of it', async () => {
  const endpoint = await tenant.endpoint(receiver.url);
  const script = [{ status: 500 }, 'reset', { status: 302 }, 'hang', { status: 200 }] as const;
  receiver.behave = (_, place) => script[place] ?? { status: 200 };

  await tenant.createCustomer();
  await expect.poll(() => tenant.deliveries(endpoint.id)).toMatchObject([{ state: 'DELIVERED' }]);

  const [delivery] = await tenant.deliveries(endpoint.id);
  expect(delivery).toMatchObject({ eventType: 'customer.created', attemptCount: 5, isReplay: false });
  expect(await tenant.attempts(delivery!.id)).toMatchObject([
    { number: 1, status: 500, error: 'STATUS' },
    { number: 2, error: 'CONNECTION_FAILED' },
    { number: 3, status: 302, error: 'REDIRECTED' },
    { number: 4, error: 'TIMEOUT' },
    { number: 5, status: 200 },
  ]);
});

test('gives up after the last attempt of the schedule, and delivers the next event of the record', async () => {
  const endpoint = await tenant.endpoint(receiver.url);
  receiver.behave = ({ event }) => ({ status: event.type === 'customer.created' ? 500 : 200 });

  const id = await tenant.createCustomer();
  await tenant.updateCustomer(id, { jobTitle: 'Analyst' });
  await expect
    .poll(async () => (await tenant.deliveries(endpoint.id)).filter(({ endTime }) => endTime))
    .toHaveLength(2);

  const [updated, created] = await tenant.deliveries(endpoint.id);
  expect([created, updated]).toMatchObject([
    { state: 'FAILED', attemptCount: 7 },
    { state: 'DELIVERED', attemptCount: 1 },
  ]);
});

test('410 disables the endpoint, and another endpoint receives an event about it', async () => {
  const other = await Receiver.start();
  await tenant.endpoint(other.url, { eventTypes: ['webhook_endpoint.disabled', 'customer.updated'] });
  const endpoint = await tenant.endpoint(receiver.url);
  receiver.behave = () => ({ status: 410 });

  const id = await tenant.createCustomer();
  await expect.poll(() => other.ids).toHaveLength(1);
  await tenant.updateCustomer(id, { jobTitle: 'Analyst' });
  await expect.poll(() => other.ids).toHaveLength(2);

  expect(await tenant.getEndpoint(endpoint.id)).toMatchObject({ state: 'DISABLED', disableReason: 'GONE' });
  expect(other.taken[0]?.event.data).toMatchObject({ endpointId: endpoint.id, reason: 'GONE' });
  expect(await tenant.deliveries(endpoint.id)).toMatchObject([{ state: 'FAILED', attemptCount: 1 }]);
  await other.stop();
});

test('Retry-After puts an endpoint on hold until then', async () => {
  const endpoint = await tenant.endpoint(receiver.url);
  receiver.behave = () => ({ status: 429, headers: { 'retry-after': '3600' } });

  await tenant.createCustomer();
  await expect.poll(() => receiver.requests).toHaveLength(1);
  const [delivery] = await tenant.deliveries(endpoint.id);
  // What was asked for is written down with the attempt.
  await expect.poll(() => tenant.attempts(delivery!.id)).toHaveLength(1);
  await tenant.createCustomer();
  await expect.poll(() => tenant.deliveries(endpoint.id)).toHaveLength(2);
  // Anything that would be sent goes to the other endpoint meanwhile.
  const other = await Receiver.start();
  await tenant.endpoint(other.url);
  await tenant.createCustomer();
  await expect.poll(() => other.ids).toHaveLength(1);

  expect(receiver.requests.length).toBe(1);
  const waiting = await tenant.deliveries(endpoint.id);
  expect(waiting).toMatchObject(Array(3).fill({ state: 'PENDING' }));
  for (const { nextAttemptTime } of waiting) {
    expect(Date.parse(nextAttemptTime ?? '') - Date.now()).toBeGreaterThan(3_000_000);
  }
  await other.stop();
});

test('sends only events and fields of the subscription, and values to FULL endpoints only', async () => {
  const full = await Receiver.start();
  const wanted = { eventTypes: ['customer.updated'], fields: ['displayName'] };
  await tenant.endpoint(receiver.url, wanted);
  await tenant.endpoint(full.url, { ...wanted, payload: 'FULL' });

  const id = await tenant.createCustomer('Ada');
  await tenant.updateCustomer(id, { jobTitle: 'Analyst' });
  await tenant.updateCustomer(id, { displayName: 'Augusta' });
  await expect.poll(() => [receiver.ids.length, full.ids.length]).toEqual([1, 1]);

  const [thinEvent, fullEvent] = [receiver.taken[0]!.event, full.taken[0]!.event];
  expect(thinEvent).toMatchObject({
    type: 'customer.updated',
    data: { recordId: id, version: 3, changedFields: ['displayName'] },
  });
  expect(thinEvent.data).not.toHaveProperty('after');
  expect(fullEvent.data).toMatchObject({ before: { displayName: 'Ada' }, after: { displayName: 'Augusta' } });
  await full.stop();
});

test('gathers the changes of a record while the window is open', async () => {
  const endpoint = await tenant.endpoint(receiver.url, { coalescingSeconds: 3_600, payload: 'FULL' });
  const id = await tenant.createCustomer('Ada');
  await tenant.updateCustomer(id, { jobTitle: 'Analyst' });
  await tenant.updateCustomer(id, { displayName: 'Augusta' });
  const gathered = 'select cardinality(events) as count from webhook_delivery where endpoint_id = $1';
  await expect.poll(() => tenant.query(gathered, [endpoint.id])).toEqual([{ count: 3 }]);
  expect(receiver.requests).toEqual([]);

  // The window ends.
  await tenant.query('update webhook_job set due_time = now() where endpoint_id = $1', [endpoint.id]);
  await expect.poll(() => receiver.ids).toHaveLength(1);

  expect(receiver.taken.length).toBe(1);
  expect(receiver.taken[0]?.event).toMatchObject({
    type: 'customer.created',
    data: { version: 3, after: { displayName: 'Augusta', jobTitle: 'Analyst' } },
  });
});

test('sends a test event to an endpoint without subscriptions', async () => {
  const endpoint = await tenant.endpoint(receiver.url, { eventTypes: ['merge.created'] });

  const delivery = await tenant.ok('POST', `/v1/webhookEndpoints/${endpoint.id}:test`);
  await expect.poll(() => receiver.ids).toHaveLength(1);

  expect(receiver.taken[0]?.event.type).toBe('webhook_endpoint.test');
  expect(receiver.ids).toEqual([delivery['eventId']]);
});

test('replays by event, by time and by range, with the ids that the events had', async () => {
  const endpoint = await tenant.endpoint(receiver.url);
  const start = new Date(Date.now() - 60_000).toISOString();
  const customers: string[] = [];
  for (const name of ['Ada', 'Bob', 'Eve']) customers.push(await tenant.createCustomer(name));
  await expect.poll(() => receiver.taken).toHaveLength(3);
  const eventOf = (customer: string) => receiver.taken.find(({ event }) => event.data['recordId'] === customer)?.id;
  const [first, second, third] = customers.map(eventOf);
  const replay = (body: Record<string, unknown>) =>
    tenant.ok<{ count: number }>('POST', `/v1/webhookEndpoints/${endpoint.id}:replay`, body);

  expect(await replay({ eventIds: [second] })).toEqual({ count: 1 });
  await expect.poll(() => receiver.taken).toHaveLength(4);
  expect(await replay({ firstEventId: second, lastEventId: third })).toEqual({ count: 2 });
  await expect.poll(() => receiver.taken).toHaveLength(6);
  expect(await replay({ startTime: start, endTime: new Date(Date.now() + 60_000).toISOString() })).toEqual({
    count: 3,
  });
  await expect.poll(() => receiver.taken).toHaveLength(9);

  expect(
    receiver.taken
      .slice(3)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual([first, second, second, second, third, third].toSorted());
  const refused = await tenant.send('POST', `/v1/webhookEndpoints/${endpoint.id}:replay`, {
    eventIds: [first],
    startTime: start,
  });
  expect([refused.status, refused.body['code']]).toEqual([400, 'VALIDATION_FAILED']);
});

// No library for Node knows v1a, so this goes by the specification, for v1 too:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
test('both secrets sign while one replaces the other, v1 and v1a', async () => {
  const endpoint = await tenant.endpoint(receiver.url);
  const rotated = await tenant.ok<typeof endpoint>('POST', `/v1/webhookEndpoints/${endpoint.id}:rotateSecret`);

  await tenant.createCustomer();
  await expect.poll(() => receiver.ids).toHaveLength(1);

  const [request] = receiver.taken as [Received];
  expect(rotated.secret).not.toBe(endpoint.secret);
  for (const secret of [endpoint.secret, rotated.secret]) {
    Receiver.verify(request, secret);
    expect(request.signatures).toContain(symmetricSignature(secret, request));
  }
  expect(rotated.publicKeys).toEqual([rotated.publicKeys[0], endpoint.publicKeys[0]]);
  const asymmetric = request.signatures.filter((signature) => signature.startsWith('v1a,'));
  expect(rotated.publicKeys.map((key) => asymmetric.some((signature) => isOf(key, request, signature)))).toEqual([
    true,
    true,
  ]);
});

test('values are stored sealed, and only while an endpoint receives them', async () => {
  await tenant.endpoint(receiver.url);
  const id = await tenant.createCustomer('Ada Lovelace');
  await expect.poll(() => receiver.ids).toHaveLength(1);
  await tenant.endpoint(receiver.url, { payload: 'FULL' });
  await tenant.updateCustomer(id, { displayName: 'Augusta King' });
  await expect.poll(() => receiver.taken.map(({ event }) => 'after' in event.data)).toContain(true);

  expect(await eventsAreSealed()).toEqual([false, true]);
});

test('erased values are not sent any more', async () => {
  const endpoint = await tenant.endpoint(receiver.url, { payload: 'FULL' });
  receiver.behave = () => ({ status: 503, headers: { 'retry-after': '3600' } });
  const id = await tenant.createCustomer('Ada Lovelace', { emails: [{ address: 'ada@example.com' }] });
  await expect.poll(() => receiver.requests).toHaveLength(1);
  expect(await eventsAreSealed()).toEqual([true]);

  await tenant.ok('POST', `/v1/customers/${id}:erase`, { reason: 'She asked for it' });
  await expect.poll(() => tenant.deliveries(endpoint.id)).toHaveLength(2);

  expect(await eventsAreSealed()).not.toContain(true);
});

/** Whether there are values in each of the tenant's events, oldest first. */
async function eventsAreSealed(): Promise<boolean[]> {
  const rows = await tenant.query<{ is_sealed: boolean }>(
    'select sealed_values is not null as is_sealed from webhook_event where tenant_id = $1 order by number',
    [tenant.tenant.tenantId],
  );
  return rows.map(({ is_sealed }) => is_sealed);
}

/** The first time that each event was taken. */
function firstTaken({ taken }: Receiver): Received[] {
  return taken.filter(({ id }, place) => taken.findIndex((other) => other.id === id) === place);
}

function symmetricSignature(secret: string, { id, timestamp, text }: Received): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')}`;
}

function isOf(publicKey: string, { id, timestamp, text }: Received, signature: string): boolean {
  const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(`${id}.${timestamp}.${text}`), key, Buffer.from(signature.slice(4), 'base64'));
}
