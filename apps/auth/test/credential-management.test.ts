import { OAuthClient, OAuthGrantType } from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import type { Caller } from '@rapport/platform';
import { beforeAll, describe, expect, test } from 'vitest';
import { callerOf } from './running-auth.js';
import { RunningProvider, type Client } from './running-provider.js';

const lasting = { code: 'PERMISSION_DENIED', reason: 'API_KEY_NEEDED' };
const permissions = ['apiKeys.read', 'apiKeys.write', 'oauthClients.read', 'oauthClients.write', 'customers.read'];

let provider: RunningProvider;
let client: Client;
/** Callers with access tokens: of an app with a user, and of an app without one (client credentials). */
let apps: [string, Caller][];

beforeAll(async () => {
  provider = await RunningProvider.shared();
  const admin = await provider.auth.newUser(provider.caller, { roleIds: ['admin'] });
  const { id, email } = admin.user;
  client = await provider.newClient({ permissions });
  const scope = permissions.join(' ');
  const byUser = await provider.signIn(client, { id, email, password: 'dust jigsaw plinth' }, `openid ${scope}`);
  const byItself = await provider.clientCredentials(client, scope);
  apps = await Promise.all(
    [byUser, byItself].map(async ({ access_token: token }, index): Promise<[string, Caller]> => {
      const answer = await provider.auth.call('authenticateAccessToken', { token });
      return [index === 0 ? 'a user' : 'itself', callerOf(answer)];
    }),
  );
});

describe('an access token', () => {
  test('cannot create or rotate an API key, which would outlast its grant, although its scope includes keys', async () => {
    const { id } = await provider.auth.createApiKey(provider.caller);

    for (const [, caller] of apps) {
      await expect(provider.auth.createApiKey(caller)).rejects.toMatchObject(lasting);
      await expect(provider.auth.call('rotateApiKey', { id }, caller)).rejects.toMatchObject(lasting);
      expect(await provider.auth.call('getApiKey', { id }, caller)).toMatchObject({ id });
    }
  });

  test('can revoke an API key, which grants nothing', async () => {
    for (const [, caller] of apps) {
      const { id, key } = await provider.auth.createApiKey(provider.caller);
      await provider.auth.call('revokeApiKey', { id }, caller);
      await expect(provider.auth.authenticate(key)).rejects.toMatchObject({ reason: 'API_KEY_INVALID' });
    }
  });

  test('cannot create, widen or rotate an OAuth client', async () => {
    const { id } = client.record;
    const updateMask = ['grantTypes'];
    const wanted = {
      ...OAuthClient.decode(new Uint8Array()),
      displayName: 'Mine',
      confidential: true,
      grantTypes: [OAuthGrantType.CLIENT_CREDENTIALS],
      permissions: ['customers.read'],
    };

    for (const [, caller] of apps) {
      await expect(provider.call('createOAuthClient', { oauthClient: wanted }, caller)).rejects.toMatchObject(lasting);
      await expect(provider.call('rotateOAuthClientSecret', { id }, caller)).rejects.toMatchObject(lasting);
      const change = { id, oauthClient: wanted, updateMask };
      await expect(provider.call('updateOAuthClient', change, caller)).rejects.toMatchObject(lasting);
    }
  });
});

test('a key with only permissions on keys can revoke any key of its tenant, also one with more rights', async () => {
  const { auth } = provider;
  const first = await auth.newCaller();
  const { key } = await auth.createApiKey(first, { permissions: ['apiKeys.write'] });
  const weaker = callerOf(await auth.authenticate(key));

  const id = first.principalId.slice('apiKey:'.length);

  await auth.call('revokeApiKey', { id }, weaker);

  expect((await auth.call('getApiKey', { id }, first)).revokeTime).toBeDefined();
});
