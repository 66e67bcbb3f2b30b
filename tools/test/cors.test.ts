import { sharedPlatform, type Tenant } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let ours: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([platform.createTenant('Ours'), platform.createTenant('Theirs')]);
}, 120_000);

/** The allowed origin of a preflight, or of an answer to a caller. */
async function allowed(path: string, origin: string, apiKey?: string): Promise<string | null> {
  const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
  const headers = { origin, ...(apiKey === undefined ? asked : { authorization: `Bearer ${apiKey}` }) };
  const answers = await Promise.all(
    platform.edgeUrls.map((url) => fetch(url + path, { method: apiKey === undefined ? 'OPTIONS' : 'GET', headers })),
  );
  const origins = new Set(answers.map((answer) => answer.headers.get('access-control-allow-origin')));
  expect(answers.every((answer) => !answer.headers.has('access-control-allow-credentials'))).toBe(true);
  return origins.size === 1 ? [...origins][0]! : 'edges disagree';
}

it('pages of an origin may call the API for the tenant that has registered it, until it is removed', async () => {
  const origin = `https://${crypto.randomUUID()}.example`;
  const api = await ApiClient.connect(platform.edgeUrl, ours.apiKey);
  const { body } = await api.send('POST', '/v1/oauthClients', {
    body: {
      ...{ displayName: 'Board', confidential: true, grantTypes: ['CLIENT_CREDENTIALS'] },
      ...{ permissions: ['customers.read'], allowedOrigins: [origin] },
    },
  });
  const { id } = body as { id: string };

  await expect.poll(() => allowed('/v1/customers', origin), { timeout: 60_000 }).toBe(origin);
  await expect.poll(() => allowed('/v1/customers', origin, ours.apiKey), { timeout: 60_000 }).toBe(origin);
  expect(await allowed('/v1/customers/none', origin, ours.apiKey)).toBe(origin);
  expect(await allowed('/v1/customers', origin, theirs.apiKey)).toBe(null);
  expect(await allowed('/v1/customers', 'https://nobody.example')).toBe(null);
  for (const path of ['/console', '/oauth/token', '/oauth/jwks', '/.well-known/openid-configuration'])
    expect([await allowed(path, origin), await allowed(path, origin, ours.apiKey)], path).toEqual([null, null]);

  await api.send('PATCH', `/v1/oauthClients/${id}`, { body: { allowedOrigins: [] } });

  await expect.poll(() => allowed('/v1/customers', origin, ours.apiKey), { timeout: 60_000 }).toBe(null);
  await expect.poll(() => allowed('/v1/customers', origin), { timeout: 60_000 }).toBe(null);
});
