import type { EntityManager } from '@mikro-orm/postgresql';
import type { ApiKey } from '../storage/api-key.entity.js';
import { Role } from '../storage/role.entity.js';
import { UserAccount } from '../storage/user-account.entity.js';
import { accountPermissions, builtInRoles, type BuiltInRole } from './built-in-roles.js';
import { combineGrants, type Grant, type Rights } from './rights.js';

/**
 * What somebody who signs in may do now. Undefined when there is no such user, or not one who is active.
 *
 * @param em of the tenant, see `tenantSession`
 */
export async function rightsOfUser(em: EntityManager, userId: string): Promise<Rights | undefined> {
  const user = await em.findOne(UserAccount, { id: userId }, { disableIdentityMap: true });
  return user?.state === 'ACTIVE' ? rightsOfAccount(em, user) : undefined;
}

/** What the roles of an account come to, whether it is active or not. */
export async function rightsOfAccount(
  em: EntityManager,
  { roleIds, teamId }: Pick<UserAccount, 'roleIds' | 'teamId'>,
): Promise<Rights> {
  return rightsByGrants(await findRoles(em, roleIds), teamId);
}

/** The rights that the grants of a user's roles and the user's team add up to. */
export function rightsByGrants(grants: readonly Grant[], teamId: string | null | undefined): Rights {
  const { permissions, recordScope, hidesPii } = combineGrants(grants);
  return {
    permissions: [...new Set([...permissions, ...accountPermissions])].sort(),
    recordScope,
    teamIds: teamId ? [teamId] : [],
    hidesPii,
  };
}

/** Those of the roles that there are. */
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
