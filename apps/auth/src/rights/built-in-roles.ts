import { knownPermissions } from '../permissions/known-permissions.js';
import type { Grant } from './rights.js';

export interface BuiltInRole extends Grant {
  id: string;
  displayName: string;
}

/** What everybody may do with their own account, whatever their roles. */
export const accountPermissions: readonly string[] = ['account.read', 'account.write'];

/** Areas that decide who may do what, and where data goes. */
const administration = ['apiKeys', 'connections', 'oauthClients', 'roles', 'tenant', 'users', 'webhooks'];
const isAdministration = (permission: string) => administration.includes(permission.split('.')[0] ?? '');

const readsOfAdministration = ['roles.read', 'tenant.read', 'users.read'];
const work = knownPermissions.filter((permission) => !isAdministration(permission));
const memberLacks = ['configure', 'export', 'erase', 'verify'];

/** The role of which somebody who is active must have it, once somebody has. */
export const adminRoleId = 'admin';

/** The roles that every tenant has. They follow the contract: a permission that is new is in them at once. */
export const builtInRoles: readonly BuiltInRole[] = [
  { id: adminRoleId, displayName: 'Admin', permissions: knownPermissions, recordScope: 'ALL', hidesPii: false },
  {
    id: 'manager',
    displayName: 'Manager',
    permissions: [...work, ...readsOfAdministration].sort(),
    recordScope: 'ALL',
    hidesPii: false,
  },
  {
    id: 'member',
    displayName: 'Member',
    permissions: [
      ...work.filter((permission) => !memberLacks.includes(permission.split('.')[1] ?? '')),
      ...['tenant.read', 'users.read'],
    ].sort(),
    recordScope: 'TEAM',
    hidesPii: false,
  },
  {
    id: 'read-only',
    displayName: 'Read only',
    permissions: [...work.filter((permission) => permission.endsWith('.read')), 'tenant.read'].sort(),
    recordScope: 'ALL',
    hidesPii: false,
  },
];
