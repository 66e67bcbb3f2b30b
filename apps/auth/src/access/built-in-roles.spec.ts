import { contractWithSiteVisits } from '@rapport/contracts';
import { expect, test } from 'vitest';
import { permissionsOf } from './known-permissions.js';
import { builtInRoles, builtInRolesBy } from './built-in-roles.js';

const contract = contractWithSiteVisits();
const before = Object.fromEntries(builtInRoles.map(({ id, permissions }) => [id, permissions]));

/** Permissions that each role gains with the new areas `siteVisits`, a record type, and `visitPlans`, which is not one. */
const news = Object.fromEntries(
  builtInRolesBy(contract).map(({ id, permissions }) => [
    id,
    permissions.filter((permission) => !before[id]?.includes(permission)),
  ]),
);

test('Member gains read and write of a new record type, and no other new permission', () => {
  expect(news['member']).toEqual(['siteVisits.read', 'siteVisits.write']);
});

test('Admin and Manager gain all permissions of new areas, and Read only gains read', () => {
  const all = permissionsOf(contract).filter((permission) => /^(siteVisits|visitPlans)\./.test(permission));

  expect(all).toHaveLength(8);
  expect(news).toMatchObject({ admin: all, manager: all, 'read-only': ['siteVisits.read', 'visitPlans.read'] });
});
