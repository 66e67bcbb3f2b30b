import { OAuthGrantType } from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import { ClientSecretBasic } from 'oauth4webapi';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerOf } from './running-auth.js';
import { redirectUri, RunningProvider } from './running-provider.js';

const { AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS } = OAuthGrantType;

let provider: RunningProvider;

beforeAll(async () => {
  provider = await RunningProvider.shared();
});
afterAll(() => provider.stop());

describe('CreateOAuthClient', () => {
  test('returns the secret once, and the database does not contain it', async () => {
    const { caller, record } = await provider.newClient();

    const got = await provider.call('getOAuthClient', { id: record.id }, caller);

    expect(record.secret).toMatch(/^rpt_secret_[\w-]{43}$/);
    expect(got).toEqual({ ...record, secret: undefined });
    const rows = await provider.sql('select c.*::text as row, encode(secret_hash, $1) from oauth_client c', ['escape']);
    expect(JSON.stringify(rows)).not.toContain(record.secret?.slice(11, 40));
  });

  test('reports each invalid field', async () => {
    const attempt = provider.newClient({
      confidential: false,
      grantTypes: [CLIENT_CREDENTIALS, REFRESH_TOKEN],
      redirectUris: [
        redirectUri,
        'http://app.example.com/',
        'javascript:alert(1)',
        'https://a@b.example/',
        'https://x/#f',
      ],
      permissions: ['customers.own'],
    });

    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [
        { field: 'oauthClient.grantTypes[0]', reason: 'GRANT_TYPE_NEEDS_SECRET' },
        { field: 'oauthClient.grantTypes[1]', reason: 'GRANT_TYPE_ALONE' },
        ...[1, 2, 3, 4].map((index) => ({
          field: `oauthClient.redirectUris[${index}]`,
          reason: 'REDIRECT_URI_INVALID',
        })),
        { field: 'oauthClient.permissions[0]', reason: 'PERMISSION_UNKNOWN' },
      ],
    });
    await expect(provider.newClient({ redirectUris: [] })).rejects.toMatchObject({
      violations: [{ field: 'oauthClient.redirectUris', reason: 'REQUIRED' }],
    });
  });

  test.each(['https://app.example.com/cb', 'http://127.0.0.1:8976/cb', 'com.example.app:/cb'])(
    'takes %s of a public client, which has no secret',
    async (uri) => {
      const { record } = await provider.newClient({
        confidential: false,
        redirectUris: [uri],
        grantTypes: [AUTHORIZATION_CODE],
      });

      expect(record).toMatchObject({ confidential: false, secret: undefined, redirectUris: [uri] });
    },
  );

  test('refuses a permission that the caller lacks', async () => {
    const { key } = await provider.auth.createApiKey(provider.caller, { permissions: ['oauthClients.write'] });
    const weaker = callerOf(await provider.auth.authenticate(key));

    await expect(provider.newClient({}, weaker)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'PERMISSION_NOT_HELD',
      metadata: { permission: 'customers.read' },
    });
  });
});

describe('UpdateOAuthClient', () => {
  test('updates only the fields of the mask', async () => {
    const { caller, record } = await provider.newClient();

    const unnamed = { grantTypes: [], redirectUris: [], allowedOrigins: [] };
    const oauthClient = { displayName: 'Other', permissions: ['customers.read'], ...unnamed };
    const updateMask = ['display_name', 'permissions'];
    const changed = await provider.call('updateOAuthClient', { id: record.id, oauthClient, updateMask }, caller);

    expect(changed).toEqual({
      ...record,
      secret: undefined,
      displayName: 'Other',
      permissions: ['customers.read'],
      updateTime: changed.updateTime,
    });
  });

  test.each(['confidential', 'id', 'nonsense'])('refuses to change %s', async (name) => {
    const { caller, record } = await provider.newClient();
    const oauthClient = { ...record, secret: undefined };

    const attempt = provider.call('updateOAuthClient', { id: record.id, oauthClient, updateMask: [name] }, caller);

    await expect(attempt).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('RotateOAuthClientSecret', () => {
  test('ends the previous secret at once', async () => {
    const old = await provider.newClient();

    const { secret = '' } = await provider.call('rotateOAuthClientSecret', { id: old.record.id }, old.caller);

    await expect(provider.clientCredentials(old)).rejects.toMatchObject({ status: 401 });
    const answer = await provider.clientCredentials({ ...old, auth: ClientSecretBasic(secret) });
    expect(await provider.isActive(answer.access_token)).toBe(true);
  });

  test('refuses a public client', async () => {
    const { caller, record } = await provider.newClient({ confidential: false, grantTypes: [AUTHORIZATION_CODE] });

    const attempt = provider.call('rotateOAuthClientSecret', { id: record.id }, caller);

    await expect(attempt).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'OAUTH_CLIENT_PUBLIC' });
  });
});

describe('DeleteOAuthClient', () => {
  test('ends the tokens of the client', async () => {
    const client = await provider.newClient();
    const { access_token: own } = await provider.clientCredentials(client);
    const tokens = await provider.signIn(client, await provider.newUser(client.caller));

    await provider.call('deleteOAuthClient', { id: client.record.id }, client.caller);

    expect(await provider.isActive(own)).toBe(false);
    expect(await provider.isActive(tokens.access_token)).toBe(false);
    await expect(provider.refresh(client, tokens.refresh_token ?? '')).rejects.toMatchObject({ status: 401 });
  });
});

describe('another tenant', () => {
  test('gets the same NOT_FOUND for a client of this tenant as for an unknown one', async () => {
    const { record } = await provider.newClient();
    const stranger = await provider.auth.newCaller();
    const oauthClient = { displayName: 'Mine', grantTypes: [], permissions: [], redirectUris: [], allowedOrigins: [] };
    const answerTo = (
      method: 'getOAuthClient' | 'updateOAuthClient' | 'rotateOAuthClientSecret' | 'deleteOAuthClient',
    ) =>
      Promise.all(
        [record.id, v7()].map((id) =>
          provider.call(method, { id, oauthClient, updateMask: ['display_name'] }, stranger).then(
            () => 'answered',
            ({ code, reason, message }: Record<string, unknown>) => JSON.stringify({ code, reason, message }),
          ),
        ),
      );

    for (const method of [
      'getOAuthClient',
      'updateOAuthClient',
      'rotateOAuthClientSecret',
      'deleteOAuthClient',
    ] as const) {
      const [foreign, missing] = await answerTo(method);
      expect(foreign).toBe(missing);
      expect(foreign).toContain('OAUTH_CLIENT_NOT_FOUND');
    }
  });
});

describe('ListOAuthClients', () => {
  test('meets every client of the tenant once, newest first, page by page', async () => {
    const { caller, record } = await provider.newClient({}, await provider.auth.newCaller());
    const made = [record.id];
    for (let count = 0; count < 4; count += 1) made.push((await provider.newClient({}, caller)).record.id);
    await provider.newClient();

    const met: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await provider.call('listOAuthClients', { pageSize: 2, pageToken }, caller);
      met.push(...page.oauthClients.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);

    expect(met).toEqual(made.toReversed());
  });
});
