import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));

test('a domain has one limit, which changes under its etag, and is open at first', async () => {
  const tenant = await WebhookTenant.create(platform);
  const rate = { count: 100, perSeconds: 60 };
  const created = await tenant.ok<Json>('POST', '/v1/deliveryLimits', { match: 'Mail.Example', rate });
  const path = `/v1/deliveryLimits/${String(created['id'])}`;
  const other = await WebhookTenant.create(platform);

  expect(created).toMatchObject({ match: 'mail.example', rate, connections: 0, state: 'OPEN' });
  expect(await tenant.send('POST', '/v1/deliveryLimits', { match: 'mail.example', connections: 1 })).toMatchObject({
    ...{ status: 409, body: { code: 'MATCH_TAKEN' } },
  });
  expect((await other.send('GET', path)).status).toBe(404);
  expect(await tenant.ok('PATCH', path, { rate: null, connections: 5 })).toMatchObject({ connections: 5 });
  const stale = await tenant.send('PATCH', path, { connections: 6 }, { 'if-match': String(created['etag']) });
  expect(stale.status).toBe(412);
  const blocked = await tenant.send('POST', `${path}:unblock`, undefined, { 'if-match': String(created['etag']) });
  expect(blocked).toMatchObject({ status: 412, body: { code: 'ETAG_MISMATCH' } });
  const { deliveryLimits } = await tenant.ok<{ deliveryLimits: Json[] }>('GET', '/v1/deliveryLimits');
  expect(deliveryLimits).toEqual([expect.objectContaining({ match: 'mail.example', connections: 5 })]);
  expect(deliveryLimits[0]).not.toHaveProperty('rate');
  expect((await tenant.send('DELETE', path)).status).toBe(204);
});

test('a limit without a rate or connections limits nothing, and is refused', async () => {
  const tenant = await WebhookTenant.create(platform);
  const refused = await tenant.send('POST', '/v1/deliveryLimits', { match: 'mail.example' });
  expect(refused).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
});
