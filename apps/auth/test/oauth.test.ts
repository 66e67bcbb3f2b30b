import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { knownPermissions } from '../src/access/known-permissions.js';
import { redirectUri, RunningProvider } from './running-provider.js';

let provider: RunningProvider;

beforeAll(async () => {
  provider = await RunningProvider.shared();
});
afterAll(() => provider.stop());

describe('discovery', () => {
  test('lists only supported features', () => {
    expect(provider.server).toMatchObject({
      issuer: provider.auth.issuer,
      authorization_endpoint: `${provider.auth.issuer}/oauth/authorize`,
      token_endpoint: `${provider.auth.issuer}/oauth/token`,
      grant_types_supported: expect.arrayContaining([
        'authorization_code',
        'client_credentials',
        'refresh_token',
      ]) as never,
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
    });
    expect(provider.server.registration_endpoint).toBeUndefined();
    expect(provider.server.userinfo_endpoint).toBeUndefined();
  });

  test('lists every scope: those of OpenID Connect, and all permissions', () => {
    const { scopes_supported: scopes } = provider.server;
    expect(scopes).toEqual(['openid', 'offline_access', ...knownPermissions]);
    expect(scopes).toContain('customers.read');
  });
});

describe('client credentials', () => {
  test('give an RFC 9068 access token for the client itself', async () => {
    const client = await provider.newClient();

    const { access_token: token, expires_in: expiresIn } = await provider.clientCredentials(client);

    expect(decodeProtectedHeader(token)).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: expect.any(String) as string });
    expect(decodeJwt(token)).toMatchObject({
      iss: provider.auth.issuer,
      aud: `${provider.auth.issuer}/v1`,
      sub: client.record.clientId,
      client_id: client.record.clientId,
      scope: 'customers.read',
      tenant_id: client.caller.tenantId,
      principal_id: `client:${client.record.id}`,
    });
    expect(expiresIn).toBe(600);
    expect(await provider.auth.call('authenticateAccessToken', { token })).toMatchObject({
      tenantId: client.caller.tenantId,
      principalId: `client:${client.record.id}`,
      permissions: ['customers.read'],
      plan: 'standard',
    });
  });
});

describe('an unknown scope', () => {
  test.each(['nonsense', 'customers.read nonsense', 'customers.red'])(
    'is refused at the token endpoint in "%s"',
    async (scope) => {
      await expect(provider.clientCredentials(await provider.newClient(), scope)).rejects.toMatchObject({
        status: 400,
        error: 'invalid_scope',
      });
    },
  );

  test('is refused in the authorization request, with a redirect to the client', async () => {
    const client = await provider.newClient();
    const { page } = await provider.authorize(client, 'openid customers.read nonsense');
    const answer = new URL(page.url);
    expect(answer.href.startsWith(redirectUri)).toBe(true);
    expect(answer.searchParams.get('error')).toBe('invalid_scope');
    expect(answer.searchParams.get('scope')).toBe('nonsense');
  });

  test('does not include scopes that the client lacks: the response contains the granted ones', async () => {
    const client = await provider.newClient({ permissions: ['customers.read'] });
    const answer = await provider.clientCredentials(client, 'customers.read customers.write');
    expect(answer.scope).toBe('customers.read');
  });
});

describe('the authorization code', () => {
  test('is obtained on pages without scripts and exchanged for tokens of the user', async () => {
    const client = await provider.newClient();
    const user = await provider.newUser(client.caller);

    const tokens = await provider.signIn(client, user);

    expect(decodeJwt(tokens.access_token)).toMatchObject({ sub: user.id, principal_id: `user:${user.id}` });
    expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ sub: user.id });
    expect(await provider.auth.call('authenticateAccessToken', { token: tokens.access_token })).toMatchObject({
      principalId: `user:${user.id}`,
      permissions: ['customers.read'],
    });
    const next = await provider.refresh(client, tokens.refresh_token ?? '');
    expect(await provider.isActive(next.access_token)).toBe(true);
    expect(await provider.introspect(client, next.access_token)).toMatchObject({ active: true, sub: user.id });
  });
});
