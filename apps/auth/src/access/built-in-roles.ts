import { recordContracts, type Contract } from '@rapport/contracts';
import { contract, permissionsOf } from './known-permissions.js';
import type { Grant } from './rights.js';

export interface BuiltInRole extends Grant {
  id: string;
  displayName: string;
}

/** What everybody may do with their own account, whatever their roles. */
export const accountPermissions: readonly string[] = ['account.read', 'account.write'];

/** Areas that decide who may do what, and where data goes. */
const administration = ['apiKeys', 'connections', 'oauthClients', 'roles', 'tenant', 'users', 'webhooks'];

/** The verbs by which all data of a workspace leaves it, comes, or ends. */
const ofWholeWorkspace = ['workspace.close', 'workspace.export', 'workspace.import'];

const isAdministration = (permission: string) =>
  administration.includes(permission.split('.')[0] ?? '') || ofWholeWorkspace.includes(permission);

const readsOfAdministration = ['roles.read', 'tenant.read', 'users.read'];

/** What Member may do besides reading and writing records. A permission is added here only on purpose. */
const memberHasBesides = [
  ...[...accountPermissions, 'audit.read', 'tenant.read', 'users.read', 'workspace.read'],
  // Of records, which Member reads and writes.
  ...['files.read', 'files.write'],
];

/** The role of which somebody who is active must have it, once somebody has. */
export const adminRoleId = 'admin';

/** The roles that every tenant has. */
export const builtInRoles: readonly BuiltInRole[] = builtInRolesBy(contract);

/**
 * The built-in roles for the permissions of a contract:
 * - Admin has every permission.
 * - Manager has every permission outside administration, which whole workspaces count as, and some that read administration.
 * - Member reads and writes records: `read` and `write` of each area that is a type of records, so that it is called as
 *   the type says, which is its plural, as `customers`, unless it says otherwise, as `objects`. Other verbs, such as `configure`, `send`, `publish`, `import` and `export`, and other areas
 *   are Member's only by `memberHasBesides`.
 * - Read only has each `read` outside administration, and reads the tenant.
 *
 * So Admin and Manager have a new permission at once, and Member has it only when it is to read or to write records. A test compares
 * the roles with `test/role-permissions.json`.
 */
export function builtInRolesBy(contract: Contract): BuiltInRole[] {
  const all = permissionsOf(contract);
  const work = all.filter((permission) => !isAdministration(permission));
  const ofRecords = recordContracts(contract).flatMap(({ permission }) => [
    `${permission}.read`,
    `${permission}.write`,
  ]);
  const only = (named: readonly string[]) => all.filter((permission) => named.includes(permission));
  return [
    { id: adminRoleId, displayName: 'Admin', permissions: all, recordScope: 'ALL', hidesPii: false },
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
      permissions: only([...ofRecords, ...memberHasBesides]),
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
}
