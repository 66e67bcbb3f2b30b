import { sharedPlatform, type Tenant } from '@rapport/testing';
import * as client from 'openid-client';
import { beforeAll, expect, inject, it } from 'vitest';
import { untilRefused } from './until-refused.ts';

const insecure = { execute: [client.allowInsecureRequests] };

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: Tenant;

beforeAll(async () => {
  tenant = await platform.createTenant('Ada');
}, 120_000);

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function send(method: string, path: string, credential: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${platform.edgeUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${credential}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

/** Creates a client for the client-credentials grant over REST. */
async function newClient(): Promise<{ id: string; configuration: client.Configuration }> {
  const { status, body } = await send('POST', '/v1/oauthClients', tenant.apiKey, {
    displayName: 'Nightly report',
    confidential: true,
    grantTypes: ['CLIENT_CREDENTIALS'],
    permissions: ['customers.read', 'customers.write'],
  });
  expect(status).toBe(201);
  const { id, clientId, secret } = body as { id: string; clientId: string; secret: string };
  const configuration = await client.discovery(new URL(platform.edgeUrl), clientId, secret, undefined, insecure);
  return { id, configuration };
}

it('a program gets a token at the edge with a third-party library, and the API enforces its scope', async () => {
  const { configuration } = await newClient();
  const { access_token: token } = await client.clientCredentialsGrant(configuration, { scope: 'customers.read' });

  expect(await send('GET', '/v1/customers', token)).toMatchObject({ status: 200 });
  expect(await send('POST', '/v1/customers', token, { kind: 'PERSON', givenName: 'Ada' })).toMatchObject({
    status: 403,
    body: { code: 'PERMISSION_MISSING', metadata: { permission: 'customers.write' } },
  });
  expect(await client.tokenIntrospection(configuration, token)).toMatchObject({
    active: true,
    scope: 'customers.read',
  });
});

it.each(['revoked', 'of a deleted client'])('a token that is %s is refused', async (name) => {
  const { id, configuration } = await newClient();
  const { access_token: token } = await client.clientCredentialsGrant(configuration, { scope: 'customers.read' });
  expect(await send('GET', '/v1/customers', token)).toMatchObject({ status: 200 });

  if (name === 'revoked') await client.tokenRevocation(configuration, token);
  else expect(await send('DELETE', `/v1/oauthClients/${id}`, tenant.apiKey)).toMatchObject({ status: 204 });

  await untilRefused(async () => (await send('GET', '/v1/customers', token)).status);
});

it('a change of a client’s permissions changes its tokens', async () => {
  const { id, configuration } = await newClient();
  const { access_token: token } = await client.clientCredentialsGrant(configuration, { scope: 'customers.read' });
  expect(await send('GET', '/v1/customers', token)).toMatchObject({ status: 200 });

  const changes = { permissions: ['customers.write'] };
  expect(await send('PATCH', `/v1/oauthClients/${id}`, tenant.apiKey, changes)).toMatchObject({
    status: 200,
    body: changes,
  });

  await untilRefused(async () => (await send('GET', '/v1/customers', token)).status, 403);
});

it('only the listed paths are forwarded, and pages keep their own policy', async () => {
  for (const path of ['/oauth/reg', '/oauth/interactions', '/oauth/token/x', '/.well-known/other', '/oauth/../v1/x']) {
    expect((await fetch(`${platform.edgeUrl}${path}`)).status, path).toBe(404);
  }
  const page = await fetch(`${platform.edgeUrl}/oauth/authorize?client_id=x`, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(400);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await page.text()).toContain('<html lang="en">');
});
