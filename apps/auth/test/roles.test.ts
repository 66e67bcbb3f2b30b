import { Role } from '@rapport/contracts/rapport/auth/v1/roles_service';
import { RecordScope } from '@rapport/contracts/rapport/auth/v1/rights';
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

const roleOf = (role: Partial<Role> = {}): Role => ({
  ...Role.decode(new Uint8Array()),
  displayName: `Support ${v7()}`,
  permissions: ['customers.read'],
  ...role,
});
const create = (caller: Caller, role: Partial<Role> = {}) => auth.call('createRole', { role: roleOf(role) }, caller);
const update = (caller: Caller, id: string, changes: Partial<Role>, etag?: string) =>
  auth.call('updateRole', { id, role: roleOf(changes), updateMask: Object.keys(changes), etag }, caller);

describe('built-in roles', () => {
  test('exist in every tenant, from full access to read-only', async () => {
    const { roles } = await auth.call('listRoles', {}, admin);

    expect(roles.map(({ id }) => id)).toEqual(['admin', 'manager', 'member', 'read-only']);
    const [all, manager, member, readOnly] = roles as [Role, Role, Role, Role];
    expect(all.permissions).toEqual([...admin.permissions].sort());
    expect(manager.permissions).toEqual(expect.arrayContaining(['customers.configure', 'users.read']));
    expect(manager.permissions.filter((permission) => /^(apiKeys|users|roles)\.write/.test(permission))).toEqual([]);
    expect(member).toMatchObject({ recordScope: RecordScope.TEAM, builtIn: true });
    expect(member.permissions).not.toContain('customers.configure');
    // Marking one's own notifications as read changes no data of the workspace.
    expect(readOnly.permissions.filter((permission) => !permission.endsWith('.read'))).toEqual(['notifications.write']);
  });

  test('cannot be changed or deleted', async () => {
    const refusal = { code: 'FAILED_PRECONDITION', reason: 'ROLE_BUILT_IN' };

    await expect(update(admin, 'member', { hidesPii: true })).rejects.toMatchObject(refusal);
    await expect(auth.call('deleteRole', { id: 'admin' }, admin)).rejects.toMatchObject(refusal);
  });
});

describe('a role of a tenant', () => {
  test('is created, read, updated and deleted', async () => {
    const made = await create(admin, { displayName: 'Support', recordScope: RecordScope.TEAM, hidesPii: true });
    const changed = await update(admin, made.id, { permissions: ['customers.read', 'customers.write'] }, made.etag);

    expect(made).toMatchObject({ displayName: 'Support', builtIn: false, etag: '"1"' });
    expect(changed).toMatchObject({
      displayName: 'Support',
      permissions: ['customers.read', 'customers.write'],
      recordScope: RecordScope.TEAM,
      hidesPii: true,
      etag: '"2"',
    });
    expect(await auth.call('getRole', { id: made.id }, admin)).toEqual(changed);
    await auth.call('deleteRole', { id: made.id }, admin);
    await expect(auth.call('getRole', { id: made.id }, admin)).rejects.toMatchObject({ reason: 'ROLE_NOT_FOUND' });
  });

  test('has the record scope OWN by default', async () => {
    expect(await create(admin)).toMatchObject({ recordScope: RecordScope.OWN });
  });

  test('is neither updated nor deleted with a stale etag', async () => {
    const { id, etag } = await create(admin);
    const changed = await update(admin, id, { hidesPii: true });

    await expect(update(admin, id, { hidesPii: false }, etag)).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await expect(auth.call('deleteRole', { id, etag }, admin)).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await auth.call('deleteRole', { id, etag: changed.etag }, admin);
  });

  test('reports each unknown permission', async () => {
    await expect(create(admin, { permissions: ['customers.read', 'customers.own'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'role.permissions[1]', reason: 'PERMISSION_UNKNOWN' }],
    });
  });

  test('has a unique name', async () => {
    const { displayName } = await create(admin);

    await expect(create(admin, { displayName })).rejects.toMatchObject({ reason: 'ROLE_NAME_TAKEN' });
  });

  test('cannot be deleted while a user has it', async () => {
    const { id } = await create(admin);
    const user = await auth.invite(admin, { roleIds: ['member', id] });

    await expect(auth.call('deleteRole', { id }, admin)).rejects.toMatchObject({ reason: 'ROLE_IN_USE' });
    await auth.updateUser(admin, user.id, { roleIds: ['member'] });
    await auth.call('deleteRole', { id }, admin);
  });

  test('is not visible to another tenant', async () => {
    const { id } = await create(admin);
    const stranger = await auth.newCaller();

    for (const attempt of [
      () => auth.call('getRole', { id }, stranger),
      () => update(stranger, id, { hidesPii: true }),
      () => auth.call('deleteRole', { id }, stranger),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'ROLE_NOT_FOUND' });
    }
  });
});

describe('callers cannot grant rights that they lack', () => {
  const weak = (): Caller => ({ ...admin, permissions: ['roles.write', 'customers.read'] });

  test('in a role that they create', async () => {
    await expect(create(weak(), { permissions: ['customers.write'] })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'PERMISSION_NOT_HELD',
      metadata: { permission: 'customers.write' },
    });
  });

  test('in a role that they update', async () => {
    const { id } = await create(admin);

    await expect(update(weak(), id, { permissions: ['customers.write'] })).rejects.toMatchObject({
      reason: 'PERMISSION_NOT_HELD',
    });
  });

  test('nor delete a role with such rights', async () => {
    const { id } = await create(admin, { permissions: ['customers.write'] });

    await expect(update(weak(), id, { permissions: ['customers.read'] })).rejects.toMatchObject({
      reason: 'PERMISSION_NOT_HELD',
    });
  });
});
