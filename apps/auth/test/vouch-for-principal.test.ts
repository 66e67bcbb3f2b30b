import { readPrincipalToken } from '@rapport/contracts';
import { RecordScope } from '@rapport/contracts/rapport/auth/v1/rights';
import { User_State } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

let auth: RunningAuth;
let admin: Caller;

beforeAll(async () => {
  // A service of its own, because the caller is a different process than in other tests.
  auth = await RunningAuth.start({}, 'sync');
  admin = await auth.newCaller();
});
afterAll(() => auth.stop());

const ended = { code: 'PERMISSION_DENIED', reason: 'PRINCIPAL_ENDED' };

async function vouched(principalId: string, { tenantId } = admin): Promise<Caller> {
  return readPrincipalToken((await auth.call('vouchForPrincipal', { tenantId, principalId })).principalToken);
}

test('VouchForAddress returns the rights of the active user with an address, whatever its case', async () => {
  const { user } = await auth.newUser(admin, { email: 'agent.smith@example.com', roleIds: ['member'] });
  const ask = async (address: string, { tenantId } = admin) =>
    (await auth.call('vouchForAddress', { tenantId, address })).principalToken;

  const token = await ask('Agent.Smith@EXAMPLE.com');
  expect(readPrincipalToken(token!)).toMatchObject({ tenantId: admin.tenantId, principalId: `user:${user.id}` });
  expect(await ask('agent.smith@example.com', await auth.newCaller())).toBeUndefined();
  expect(await ask((await auth.invite(admin)).email)).toBeUndefined();
  await auth.updateUser(admin, user.id, { state: User_State.DISABLED });
  expect(await ask('agent.smith@example.com')).toBeUndefined();
});

describe('VouchForPrincipal', () => {
  test('returns the rights of a key until it is revoked or expires', async () => {
    const { id } = await auth.createApiKey(admin, { recordScope: RecordScope.ALL, hidesPii: true });
    const principalId = `apiKey:${id}`;

    expect(await vouched(principalId)).toMatchObject({
      ...{ tenantId: admin.tenantId, principalId },
      ...{ permissions: ['customers.read'], hidesPii: true },
    });
    await auth.call('revokeApiKey', { id }, admin);
    await expect(vouched(principalId)).rejects.toMatchObject(ended);

    const expireTime = new Date(Date.now() + 60_000).toISOString();
    const short = await auth.createApiKey(admin, { expireTime });
    await auth.rowsOf(admin, `update api_key set expire_time = now() where tenant_id = $1 and id = $2`, short.id);
    await expect(vouched(`apiKey:${short.id}`)).rejects.toMatchObject(ended);
  });

  test('returns the current rights of a user until the user is disabled', async () => {
    const { user } = await auth.newUser(admin, { roleIds: ['read-only'] });
    const principalId = `user:${user.id}`;

    expect((await vouched(principalId)).permissions).not.toContain('customers.write');
    const { tenantId } = admin;
    const { contact } = await auth.call('vouchForPrincipal', { tenantId, principalId, withContact: true });
    expect(contact).toEqual({ email: user.email, displayName: user.displayName, locale: undefined });
    await auth.updateUser(admin, user.id, { roleIds: ['member'] });
    expect((await vouched(principalId)).permissions).toContain('customers.write');
    await auth.updateUser(admin, user.id, { state: User_State.DISABLED });
    await expect(vouched(principalId)).rejects.toMatchObject(ended);
  });

  test('fails alike for unknown principals and for those of another tenant', async () => {
    const stranger = await auth.newCaller();

    for (const principalId of [`user:${v7()}`, `apiKey:${v7()}`, stranger.principalId])
      await expect(vouched(principalId)).rejects.toMatchObject(ended);
    expect(await vouched(stranger.principalId, stranger)).toMatchObject({ tenantId: stranger.tenantId });
  });
});
