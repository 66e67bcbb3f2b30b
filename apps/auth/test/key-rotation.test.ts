import { randomBytes } from 'node:crypto';
import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AuditKeys } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { keysInUse, type KeysInUse } from '@rapport/testing';
import { expect, test } from 'vitest';
import { password } from './running-auth.js';
import { RunningProvider } from './running-provider.js';
import { earlyTotpCode, totpCode } from './totp-code.js';

const [former, next] = [randomBytes(32), randomBytes(32)];

/** Public keys of the audits of the providers, each of which signs with its own. */
const auditKeys = new Set<string>();

// Each provider has keys of its own, and the database of the one before.
test('each secret can be rotated, what was used meanwhile needs the former one no longer, and a command says what does', async () => {
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
  const signingKey = kids.length;
  const [oidc, stored] = [{ CURRENT: { signingKey } }, { apiKey: 3, clientSecret: 1 }];
  const account = { CURRENT: { authenticatorApp: 1, recoveryCode: 10 } };
  expect(await usesOf(before, former)).toEqual({ exitCode: 0, uses: [{ CURRENT: stored }, account, oidc] });
  // As an earlier release stores them.
  await before.sql('update api_key set hash_key_id = null where id = $1', [used.id]);
  await before.sql('update oauth_client set secret_key_id = null where id = $1', [client.record.id]);
  const unrecorded = { CURRENT: { apiKey: 2 }, UNRECORDED: { apiKey: 1, clientSecret: 1 } };
  expect(await usesOf(before, former)).toEqual({ exitCode: 1, uses: [unrecorded, account, oidc] });
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
  await expect
    .poll(() => usesOf(during, next, former))
    .toEqual({
      exitCode: 1,
      uses: [
        // Each provider has made a tenant with a key of its own.
        { CURRENT: { apiKey: 2, clientSecret: 1 }, RETIRED: { apiKey: 3 } },
        { CURRENT: { authenticatorApp: 1 }, RETIRED: { recoveryCode: 9 } },
        { ...oidc, RETIRED: {} },
      ],
    });
  await during.stop();

  const after = await RunningProvider.start({ databases, keys: [next] });
  expect(await after.auth.authenticate(used.key)).toMatchObject({ principalId: `apiKey:${used.id}` });
  await expect(after.auth.authenticate(unused.key)).rejects.toMatchObject({ reason: 'API_KEY_INVALID' });
  expect(await kidsOf(after)).toEqual(kids);
  await after.clientCredentials(client);
  await signIn(after, caller, user, totpCode(secret, 1));
  const refused = [{ UNKNOWN: { apiKey: 3 } }, { UNKNOWN: { recoveryCode: 9 } }, oidc];
  expect(await usesOf(after, next)).toMatchObject({ exitCode: 1, uses: refused });
  await after.stop();
});

/** What the operator's command says of the secrets besides that of the audit. */
async function usesOf(
  { auth: { urls, auditSigningKey } }: RunningProvider,
  current: Buffer,
  ...retired: Buffer[]
): Promise<{ exitCode: number | null; uses: (KeysInUse['uses'][string] | undefined)[] }> {
  const names = ['API_KEY_HMAC_KEY', 'ACCOUNT_KEY', 'OIDC_KEY'];
  const text = (keys: Buffer[]) => keys.map((key) => key.toString('base64')).join();
  auditKeys.add(new AuditKeys('auth', auditSigningKey).publicKeys[0]?.x ?? '');
  const { exitCode, uses } = await keysInUse('auth', {
    ...{ DATABASE_URL: urls.appUrl, AUDIT_SIGNING_KEY: text([auditSigningKey]) },
    AUDIT_RETIRED_KEYS: [...auditKeys].join(),
    ...Object.fromEntries(
      names.flatMap((name) => [
        [name, text([current])],
        [`RETIRED_${name}S`, text(retired)],
      ]),
    ),
  });
  return { exitCode, uses: names.map((name) => uses[name]) };
}

async function kidsOf({ server }: RunningProvider): Promise<string[]> {
  const response = await fetch(server.jwks_uri ?? '');
  const { keys } = (await response.json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

async function signIn({ auth }: RunningProvider, { tenantId }: Caller, { email }: User, code: string): Promise<void> {
  await auth.signIn.verify(auth.emOf(tenantId), { tenantId, email, password, code, address: '10.1.1.1' });
}
