import type { EntityManager } from '@mikro-orm/postgresql';
import type { ApiKey } from '../storage/api-key.entity.js';
import { Role } from '../storage/role.entity.js';
import { UserAccount } from '../storage/user-account.entity.js';
import { accountPermissions, builtInRoles, type BuiltInRole } from './built-in-roles.js';
import { combineGrants, type Grant, type Rights } from './rights.js';

/**
 * The current rights of a user. Undefined when the user does not exist or is not active.
 *
 * @param em of the tenant, see `tenantSession`
 */
export async function rightsOfUser(em: EntityManager, userId: string): Promise<Rights | undefined> {
  const user = await em.findOne(UserAccount, { id: userId }, { disableIdentityMap: true });
  return user?.state === 'ACTIVE' ? rightsOfAccount(em, user) : undefined;
}

/** The combined rights of an account's roles, active or not. */
export async function rightsOfAccount(
  em: EntityManager,
  { roleIds, teamId }: Pick<UserAccount, 'roleIds' | 'teamId'>,
): Promise<Rights> {
  return rightsByGrants(await findRoles(em, roleIds), teamId);
}

/** The rights from the grants of a user's roles, with the user's team. */
export function rightsByGrants(grants: readonly Grant[], teamId: string | null | undefined): Rights {
  const { permissions, recordScope, hidesPii } = combineGrants(grants);
  return {
    permissions: [...new Set([...permissions, ...accountPermissions])].sort(),
    recordScope,
    teamIds: teamId ? [teamId] : [],
    hidesPii,
  };
}

/** The roles that exist, of the given ids. */
export async function findRoles(em: EntityManager, ids: readonly string[]): Promise<(Role | BuiltInRole)[]> {
  const builtIn = builtInRolesOf(ids);
  const ownIds = ids.filter((id) => builtIn.every((role) => role.id !== id));
  if (ownIds.length === 0) return builtIn;
  return [...builtIn, ...(await em.find(Role, { id: { $in: ownIds } }, { disableIdentityMap: true }))];
}

export function builtInRolesOf(ids: readonly string[]): BuiltInRole[] {
  return builtInRoles.filter(({ id }) => ids.includes(id));
}

export function rightsOfApiKey({
  permissions,
  recordScope,
  teamId,
  hidesPii,
}: Pick<ApiKey, 'permissions' | 'recordScope' | 'hidesPii'> & { teamId?: string | null | undefined }): Rights {
  return { permissions, recordScope, teamIds: teamId ? [teamId] : [], hidesPii };
}
