import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

/** The built-in roles that have each permission, as they were reviewed. */
const reviewed = JSON.parse(readFileSync(join(import.meta.dirname, 'role-permissions.json'), 'utf8')) as Record<
  string,
  string[]
>;

/** The same as the service answers it. */
let answered: Record<string, string[]>;

beforeAll(async () => {
  const auth = await RunningAuth.shared();
  const admin = await auth.newCaller();
  const { permissions } = await auth.call('listPermissions', {}, admin);
  const { roles } = await auth.call('listRoles', {}, admin);
  const rolesWith = (permission: string) =>
    roles.filter((role) => role.builtIn && role.permissions.includes(permission)).map(({ id }) => id);
  answered = Object.fromEntries(permissions.map((permission) => [permission, rolesWith(permission)]));
});

test('each permission of the contract has been reviewed: which built-in roles have it', () => {
  const unreviewed = Object.entries(answered)
    .filter(([permission]) => !(permission in reviewed))
    .map(([permission, roles]) => `"${permission}": ${JSON.stringify(roles)}`);

  expect(
    unreviewed,
    'New permissions. Decide which built-in roles may have each, see built-in-roles.ts, and write that into role-permissions.json',
  ).toEqual([]);
});

test('the built-in roles have the permissions that were reviewed', () => {
  expect(answered).toEqual(reviewed);
});

test('the reviewed list is sorted, by permission and by role', () => {
  expect(Object.keys(reviewed)).toEqual(Object.keys(reviewed).sort());
  for (const roles of Object.values(reviewed)) expect(roles).toEqual([...roles].sort());
});
