import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

/** The reviewed built-in roles of each permission. */
const reviewed = JSON.parse(readFileSync(join(import.meta.dirname, 'role-permissions.json'), 'utf8')) as Record<
  string,
  string[]
>;

/** The same from the service. */
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

test('the built-in roles of each permission of the contract are reviewed', () => {
  const unreviewed = Object.entries(answered)
    .filter(([permission]) => !(permission in reviewed))
    .map(([permission, roles]) => `"${permission}": ${JSON.stringify(roles)}`);

  expect(
    unreviewed,
    'New permissions. Decide which built-in roles may have each, see built-in-roles.ts, and write that into role-permissions.json',
  ).toEqual([]);
});

test('the built-in roles have the reviewed permissions', () => {
  expect(answered).toEqual(reviewed);
});

test('the reviewed list is sorted, by permission and by role', () => {
  expect(Object.keys(reviewed)).toEqual(Object.keys(reviewed).sort());
  for (const roles of Object.values(reviewed)) expect(roles).toEqual([...roles].sort());
});
