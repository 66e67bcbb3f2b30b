import { ExplainPermissionResponse_Rule as Rule } from '@rapport/contracts/rapport/auth/v1/permissions_service';
import { RecordScope } from '@rapport/contracts/rapport/auth/v1/rights';
import { Role } from '@rapport/contracts/rapport/auth/v1/roles_service';
import { User_State } from '@rapport/contracts/rapport/auth/v1/users_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

let auth: RunningAuth;
let admin: Caller;

beforeAll(async () => {
  auth = await RunningAuth.shared();
  admin = await auth.newCaller();
});

const explain = (principalId: string, permission: string) =>
  auth.call('explainPermission', { principalId, permission }, admin);
const explainMethod = (principalId: string, method: string) =>
  auth.call('explainPermission', { principalId, method }, admin);

describe('ExplainPermission', () => {
  test('returns the roles that grant a permission, and the combined rights of all roles', async () => {
    const role = { ...Role.decode(new Uint8Array()), displayName: 'Support', permissions: ['customers.read'] };
    const { id } = await auth.call('createRole', { role: { ...role, hidesPii: true } }, admin);
    const { user } = await auth.newUser(admin, { roleIds: ['member', 'read-only', id] });

    expect(await explain(`user:${user.id}`, 'customers.read')).toEqual({
      allowed: true,
      rule: Rule.GRANTED,
      permission: 'customers.read',
      grants: [
        { roleId: 'member', displayName: 'Member', recordScope: RecordScope.TEAM, hidesPii: false },
        { roleId: 'read-only', displayName: 'Read only', recordScope: RecordScope.ALL, hidesPii: false },
        { roleId: id, displayName: 'Support', recordScope: RecordScope.OWN, hidesPii: true },
      ],
      recordScope: RecordScope.OWN,
      teamIds: [],
      hidesPii: true,
    });
  });

  test('returns the rule that denies a user', async () => {
    const { user } = await auth.newUser(admin, { roleIds: ['read-only'] });
    const principalId = `user:${user.id}`;

    expect(await explain(principalId, 'customers.write')).toMatchObject({ allowed: false, rule: Rule.NOT_GRANTED });
    expect(await explain(principalId, 'account.write')).toMatchObject({ allowed: true, rule: Rule.OWN_ACCOUNT });
    await auth.updateUser(admin, user.id, { state: User_State.DISABLED });
    expect(await explain(principalId, 'customers.read')).toMatchObject({ allowed: false, rule: Rule.USER_NOT_ACTIVE });
  });

  test('returns for a key what calls with the key get', async () => {
    const { id } = await auth.createApiKey(admin, { displayName: 'import', recordScope: RecordScope.TEAM });
    const principalId = `apiKey:${id}`;

    expect(await explain(principalId, 'customers.read')).toMatchObject({
      rule: Rule.GRANTED,
      grants: [{ displayName: 'import', recordScope: RecordScope.TEAM }],
      recordScope: RecordScope.TEAM,
    });
    expect(await explain(principalId, 'customers.write')).toMatchObject({ rule: Rule.NOT_GRANTED });
    await auth.call('revokeApiKey', { id }, admin);
    expect(await explain(principalId, 'customers.read')).toMatchObject({ allowed: false, rule: Rule.API_KEY_ENDED });
  });

  test('resolves the permission of an operation', async () => {
    const { principalId } = admin;

    expect(await explainMethod(principalId, 'rapport.customers.v1.CustomersService/UpdateCustomer')).toMatchObject({
      rule: Rule.GRANTED,
      permission: 'customers.write',
    });
    expect(await explainMethod(principalId, 'rapport.auth.v1.AuthService/AuthenticateApiKey')).toMatchObject({
      allowed: true,
      rule: Rule.PUBLIC,
    });
    await expect(explainMethod(principalId, 'rapport.auth.v1.AuthService/Nothing')).rejects.toMatchObject({
      violations: [{ field: 'method', reason: 'METHOD_UNKNOWN' }],
    });
  });

  test('does not find principals of another tenant', async () => {
    const { principalId } = await auth.newCaller();

    for (const other of [principalId, `user:${v7()}`]) {
      await expect(explain(other, 'customers.read')).rejects.toMatchObject({ reason: 'PRINCIPAL_NOT_FOUND' });
    }
  });

  test('accepts an existing permission or a method', async () => {
    const { principalId } = admin;

    await expect(explain(principalId, 'customers.own')).rejects.toMatchObject({
      violations: [{ field: 'permission', reason: 'PERMISSION_UNKNOWN' }],
    });
    await expect(auth.call('explainPermission', { principalId }, admin)).rejects.toMatchObject({
      violations: [{ field: 'permission', reason: 'REQUIRED' }],
    });
    expect((await auth.call('listPermissions', {}, admin)).permissions).toContain('customers.read');
  });
});
