import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningProvider } from './running-provider.js';

let provider: RunningProvider;
let caller: Caller;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  caller = await provider.auth.newCaller();
});
afterAll(() => provider.stop());

/** An origin that no other test uses. */
function newOrigin(): string {
  return `https://${v7()}.example.com`;
}

/** The origins of `newOrigin`, read in pages of `pageSize`. */
async function listed(origins: readonly string[], pageSize: number): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const { origins: page } = await provider.auth.call('listAllowedOrigins', { pageSize, after });
    found.push(...page);
    if (page.length < pageSize) return found.filter((origin) => origins.includes(origin));
    after = page.at(-1);
  }
}

/** The origins in the authentication response for a credential of the tenant. */
async function originsOfKey(maker: Caller): Promise<string[]> {
  const { key } = await provider.auth.createApiKey(maker, { permissions: ['customers.read'] });
  return (await provider.auth.authenticate(key)).allowedOrigins.toSorted();
}

test('an origin is returned for its tenant, and for all tenants together', async () => {
  const origins = [newOrigin(), newOrigin(), newOrigin()];
  const [first, second, third] = origins as [string, string, string];
  const others = await provider.auth.newCaller();
  await provider.newClient({ allowedOrigins: [second, first, second] }, caller);
  await provider.newClient({ allowedOrigins: [first] }, caller);
  await provider.newClient({ allowedOrigins: [third] }, others);

  expect(await originsOfKey(caller)).toEqual([first, second]);
  expect(await originsOfKey(others)).toEqual([third]);
  expect(await originsOfKey(await provider.auth.newCaller())).toEqual([]);
  expect(await listed(origins, 2)).toEqual(origins);
});

test('access tokens return the origins of their tenant too', async () => {
  const origin = newOrigin();
  const client = await provider.newClient({ allowedOrigins: [origin] }, await provider.auth.newCaller());
  const { access_token: token } = await provider.clientCredentials(client);

  expect((await provider.auth.call('authenticateAccessToken', { token })).allowedOrigins).toEqual([origin]);
});

test.each(['changed', 'deleted'])('an origin is no longer returned after its client is %s', async (end) => {
  const [kept, ended] = [newOrigin(), newOrigin()];
  const maker = await provider.auth.newCaller();
  await provider.newClient({ allowedOrigins: [kept] }, maker);
  const { record } = await provider.newClient({ allowedOrigins: [kept, ended] }, maker);

  if (end === 'deleted') await provider.call('deleteOAuthClient', { id: record.id }, maker);
  else {
    const oauthClient = { ...record, secret: undefined, allowedOrigins: [kept] };
    await provider.call('updateOAuthClient', { id: record.id, oauthClient, updateMask: ['allowed_origins'] }, maker);
  }

  expect(await originsOfKey(maker)).toEqual([kept]);
  expect(await listed([kept, ended], 5_000)).toEqual([kept]);
});

test('only origins as browsers send them are accepted: https, or http for loopback addresses', async () => {
  const good = [
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://localhost:5173',
    'http://[::1]:8080',
  ];
  const bad = [
    '*',
    'null',
    'https://*.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://App.example.com',
    'https://user@app.example.com',
    'https://münchen.example',
    'http://app.example.com',
    'http://127.0.0.1.example.com',
    'chrome-extension://abcdefgh',
    'app.example.com',
  ];
  const maker = await provider.auth.newCaller();

  const { record } = await provider.newClient({ allowedOrigins: good }, maker);
  expect(record.allowedOrigins).toEqual(good);
  await expect(provider.newClient({ allowedOrigins: bad }, maker)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: bad.map((_, index) => ({
      field: `oauthClient.allowedOrigins[${index}]`,
      reason: 'ORIGIN_INVALID',
    })),
  });
});

test('the clients of a tenant have at most 100 origins in total, also with concurrent creates', async () => {
  const maker = await provider.auth.newCaller();
  const twenty = () => Array.from({ length: 20 }, newOrigin);

  const made = await Promise.allSettled(
    Array.from({ length: 7 }, () => provider.newClient({ allowedOrigins: twenty() }, maker)),
  );

  const refused = made
    .filter(({ status }) => status === 'rejected')
    .map((each) => (each as PromiseRejectedResult).reason as unknown);
  expect(refused).toHaveLength(2);
  for (const reason of refused)
    expect(reason).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'TOO_MANY_ORIGINS' });
  expect(await originsOfKey(maker)).toHaveLength(100);
});

test('registered origins are in the security events', async () => {
  const origin = newOrigin();
  const { record } = await provider.newClient({ allowedOrigins: [origin] }, caller);

  const entries = await provider.sql<{ text: string }>('select e.*::text as text from audit_entry e');

  expect(entries.filter(({ text }) => text.includes(record.id) && text.includes(origin))).toHaveLength(1);
});
