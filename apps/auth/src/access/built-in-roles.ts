import { recordContracts, type Contract } from '@rapport/contracts';
import { contract, permissionsOf } from './known-permissions.js';
import type { Grant } from './rights.js';

export interface BuiltInRole extends Grant {
  id: string;
  displayName: string;
}

/** Permissions on the own account, which every user has regardless of roles. */
export const accountPermissions: readonly string[] = ['account.read', 'account.write'];

/** Marks the own notifications as read, which changes no data of the workspace. */
const markNotifications = 'notifications.write';

/** Areas that control access, where data is sent, and what happens with the rights of another user. */
const administration = [
  ...['apiKeys', 'connections', 'deliveryLimits', 'flows', 'mailboxes', 'oauthClients', 'relays', 'roles', 'tenant'],
  ...['users', 'webhooks'],
];

/** Permissions to export, import or remove all data of a workspace. */
const workspacePermissions = ['workspace.close', 'workspace.export', 'workspace.import'];

const isAdministration = (permission: string) =>
  administration.includes(permission.split('.')[0] ?? '') || workspacePermissions.includes(permission);

const readsOfAdministration = [
  'deliveryLimits.read',
  'mailboxes.read',
  'relays.read',
  'roles.read',
  'tenant.read',
  'users.read',
];

/** Permissions of Member besides reading and writing records. Each is added deliberately. */
const otherMemberPermissions = [
  ...[...accountPermissions, 'audit.read', 'tenant.read', 'users.read', 'workspace.read'],
  // Files belong to records.
  ...['files.read', 'files.write'],
  // Timers are of records.
  'timers.read',
  ...['notifications.read', markNotifications],
  // Flows ask users for decisions.
  ...['approvals.read', 'approvals.write'],
  // Each view belongs to its user.
  ...['views.read', 'views.write'],
];

/** The role that at least one active user must keep, once a user has it. */
export const adminRoleId = 'admin';

/** The roles of every tenant. */
export const builtInRoles: readonly BuiltInRole[] = builtInRolesBy(contract);

/**
 * The built-in roles for the permissions of a contract:
 * - Admin has every permission.
 * - Manager has every permission outside administration, and reads delivery limits, mailboxes, relays,
 *   roles, the tenant and users. Permissions on whole workspaces count as administration.
 * - Member has `read` and `write` of each area that belongs to a record type: the type's plural, such as `customers`, unless the type
 *   sets another name, such as `objects`. Other verbs, such as `configure`, `send`, `publish`, `import` and `export`, and other areas
 *   need an entry in `otherMemberPermissions`.
 * - Read only has every `read` outside administration, `tenant.read`, and marks its notifications as read.
 *
 * So Admin and Manager gain a new permission automatically, and Member gains it only if it reads or writes records. A test compares
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
      permissions: only([...ofRecords, ...otherMemberPermissions]),
      recordScope: 'TEAM',
      hidesPii: false,
    },
    {
      id: 'read-only',
      displayName: 'Read only',
      permissions: [
        ...only([markNotifications]),
        ...work.filter((permission) => permission.endsWith('.read')),
        'tenant.read',
      ].sort(),
      recordScope: 'ALL',
      hidesPii: false,
    },
  ];
}
