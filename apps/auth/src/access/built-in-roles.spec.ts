import { contractWithSiteVisits } from '@rapport/contracts';
import { expect, test } from 'vitest';
import { permissionsOf } from './known-permissions.js';
import { builtInRoles, builtInRolesBy } from './built-in-roles.js';

const contract = contractWithSiteVisits();
const before = Object.fromEntries(builtInRoles.map(({ id, permissions }) => [id, permissions]));

/** What each role gets with the new areas `siteVisits`, a type of records, and `visitPlans`, which is none. */
const news = Object.fromEntries(
  builtInRolesBy(contract).map(({ id, permissions }) => [
    id,
    permissions.filter((permission) => !before[id]?.includes(permission)),
  ]),
);

test('Member gets read and write of a new type of records, and nothing else that is new', () => {
  expect(news['member']).toEqual(['siteVisits.read', 'siteVisits.write']);
});

test('Admin and Manager get all permissions of new areas, and Read only gets what reads them', () => {
  const all = permissionsOf(contract).filter((permission) => /^(siteVisits|visitPlans)\./.test(permission));

  expect(all).toHaveLength(8);
  expect(news).toMatchObject({ admin: all, manager: all, 'read-only': ['siteVisits.read', 'visitPlans.read'] });
});
