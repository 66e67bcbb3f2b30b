import { randomBytes } from 'node:crypto';
import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { expect, test } from 'vitest';
import { password } from './running-auth.js';
import { RunningProvider } from './running-provider.js';
import { earlyTotpCode, totpCode } from './totp-code.js';

const [former, next] = [randomBytes(32), randomBytes(32)];

// Each provider has keys of its own, and the database of the one before.
test('each secret can be rotated, and what was used meanwhile needs the former one no longer', async () => {
  const before = await RunningProvider.start({ keys: [former] });
  const { caller } = before;
  const used = await before.auth.createApiKey(caller);
  const unused = await before.auth.createApiKey(caller);
  const { nextPageToken: pageToken } = await before.auth.call('listApiKeys', { pageSize: 1 }, caller);
  const client = await before.newClient();
  const { user, caller: own } = await before.auth.newUser(caller);
  const { secret } = await before.auth.call('enrollTotp', { proof: { currentPassword: password } }, own);
  const confirmation = { code: await earlyTotpCode(secret) };
  const { codes } = await before.auth.call('confirmTotp', { confirmation }, own);
  const kids = await kidsOf(before);
  const databases = before.auth.urls;
  await before.stop();

  // Where both processes of the former release and of this one run, both know both.
  const others = await RunningProvider.start({ databases, keys: [former, next] });
  await others.auth.authenticate(unused.key);
  expect(await kidsOf(others)).toEqual(kids);
  await others.stop();

  const during = await RunningProvider.start({ databases, keys: [next, former] });
  await during.auth.authenticate(used.key);
  const page = await during.auth.call('listApiKeys', { pageSize: 1, pageToken: pageToken ?? '' }, caller);
  expect(page.apiKeys).toHaveLength(1);
  expect(await kidsOf(during)).toEqual(kids);
  await during.clientCredentials(client);
  await signIn(during, caller, user, totpCode(secret));
  await signIn(during, caller, user, codes[0] ?? '');
  const hashed = 'select hash from api_key where tenant_id = $1 and id = $2 and last_use_time is not null';
  // Hashes are renewed in the background.
  await expect.poll(() => during.auth.rowsOf(caller, hashed, used.id)).toHaveLength(1);
  await during.stop();

  const after = await RunningProvider.start({ databases, keys: [next] });
  expect(await after.auth.authenticate(used.key)).toMatchObject({ principalId: `apiKey:${used.id}` });
  await expect(after.auth.authenticate(unused.key)).rejects.toMatchObject({ reason: 'API_KEY_INVALID' });
  expect(await kidsOf(after)).toEqual(kids);
  await after.clientCredentials(client);
  await signIn(after, caller, user, totpCode(secret, 1));
  await after.stop();
});

async function kidsOf({ server }: RunningProvider): Promise<string[]> {
  const response = await fetch(server.jwks_uri ?? '');
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

async function signIn({ auth }: RunningProvider, { tenantId }: Caller, { email }: User, code: string): Promise<void> {
  await auth.signIn.verify(auth.emOf(tenantId), { tenantId, email, password, code, address: '10.1.1.1' });
}
