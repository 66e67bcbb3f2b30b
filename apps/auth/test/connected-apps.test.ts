import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '@rapport/platform';
import { RunningProvider, type Client, type User } from './running-provider.js';

let provider: RunningProvider;
let client: Client;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
});
afterAll(() => provider.stop());

async function newUser(): Promise<{ user: User; caller: Caller }> {
  const user = await provider.newUser();
  return { user, caller: await provider.auth.callerOfUser(provider.caller, user.id) };
}

function notFound(id: string, caller: Caller) {
  return expect(provider.auth.call('disconnectApp', { id }, caller)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    reason: 'CONNECTED_APP_NOT_FOUND',
  });
}

test('a user sees each app once, with its permissions, and none of other users', async () => {
  const { user, caller } = await newUser();
  const { caller: other } = await newUser();
  const quiet = await provider.newClient({ displayName: 'Calendar' });
  await provider.signIn(client, user);
  await provider.signIn(client, user, 'openid offline_access customers.write');
  await provider.signIn(quiet, user, 'openid customers.read');

  const { connectedApps } = await provider.auth.call('listConnectedApps', {}, caller);

  const byName = connectedApps.toSorted((left, right) => left.displayName.localeCompare(right.displayName));
  expect(byName).toMatchObject([
    { id: quiet.record.id, displayName: 'Calendar', permissions: ['customers.read'], offline: false },
    {
      id: client.record.id,
      displayName: 'Mail add-on',
      permissions: ['customers.read', 'customers.write'],
      offline: true,
    },
  ]);
  expect((await provider.auth.call('listConnectedApps', {}, other)).connectedApps).toEqual([]);
});

test('a disconnected app loses access and needs a new consent', async () => {
  const { user, caller } = await newUser();
  const { caller: other } = await newUser();
  const { id } = client.record;
  const [first, second] = [await provider.signIn(client, user), await provider.signIn(client, user)];
  await notFound(id, other);

  await provider.auth.call('disconnectApp', { id }, caller);

  for (const { access_token: access, refresh_token: refresh = '' } of [first, second]) {
    expect(await provider.isActive(access)).toBe(false);
    expect(await provider.introspect(client, access)).toEqual({ active: false });
    await expect(provider.refresh(client, refresh)).rejects.toMatchObject({ error: 'invalid_grant' });
  }
  expect((await provider.auth.call('listConnectedApps', {}, caller)).connectedApps).toEqual([]);
  await notFound(id, caller);
  const { browser, page } = await provider.authorize(client, 'openid customers.read');
  const asked = await browser.submit(page, '/sign-in', { email: user.email, password: user.password });
  expect(asked.text).toContain('<h1>Allow');
});

test('one of twenty concurrent calls to disconnect an app succeeds', async () => {
  const { user, caller } = await newUser();
  for (let time = 0; time < 3; time += 1) await provider.signIn(client, user);

  const calls = Array.from({ length: 20 }, () =>
    provider.auth.call('disconnectApp', { id: client.record.id }, caller).then(
      () => 'done',
      ({ reason }: { reason: string }) => reason,
    ),
  );

  expect((await Promise.all(calls)).filter((answer) => answer !== 'CONNECTED_APP_NOT_FOUND')).toEqual(['done']);
});

test('twenty presses of the consent at once grant once, and each leads to a code or the end of the page', async () => {
  const { user } = await newUser();
  const { browser, page } = await provider.authorize(client, 'openid customers.read');
  const asked = await browser.submit(page, '/sign-in', { email: user.email, password: user.password });

  const presses = await Promise.all(Array.from({ length: 20 }, () => browser.submit(asked, '/consent')));

  const codes = presses.filter(({ url }) => url.includes('code='));
  expect(codes.length).toBeGreaterThan(0);
  expect(presses.filter((each) => !codes.includes(each)).every(({ status }) => status === 400)).toBe(true);
  const counted = `select count(*)::int from oidc_record where tenant_id = $1 and user_id = $2 and kind = 'Grant'`;
  expect(await provider.auth.rowsOf(provider.caller, counted, user.id)).toEqual([{ count: 1 }]);
});

test('an API key has no connected apps', async () => {
  await notFound(client.record.id, provider.caller);
  await expect(provider.auth.call('listConnectedApps', {}, provider.caller)).rejects.toMatchObject({
    reason: 'USER_NEEDED',
  });
});
