import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { adminRoleId } from '../access/built-in-roles.js';
import { checkHeld } from '../access/check-held.js';
import { findRoles, rightsOfAccount } from '../access/principal-rights.js';
import { Team } from '../storage/team.entity.js';
import { UserAccount } from '../storage/user-account.entity.js';

type Assignment = Pick<UserAccount, 'roleIds' | 'teamId'>;

/**
 * Checks roles and team that somebody is to have: that there are such, and that the caller holds what they come to.
 *
 * @param em in a transaction that holds the tenant's lock
 */
export async function checkAssignment(em: EntityManager, wanted: Assignment): Promise<void> {
  const violations: FieldViolation[] = [];
  if (wanted.roleIds.length === 0) {
    violations.push({ field: 'user.roleIds', reason: 'TOO_FEW_ITEMS', description: 'must have at least 1 items.' });
  }
  const known = (await findRoles(em, wanted.roleIds)).map(({ id }) => id);
  wanted.roleIds.forEach((id, index) => {
    if (known.includes(id)) return;
    violations.push({ field: `user.roleIds[${index}]`, reason: 'ROLE_UNKNOWN', description: 'is the id of no role' });
  });
  const { tenantId } = currentCaller();
  if (wanted.teamId && !(await em.findOne(Team, { tenantId, id: wanted.teamId }))) {
    violations.push({ field: 'user.teamId', reason: 'TEAM_UNKNOWN', description: 'is the id of no team' });
  }
  if (violations.length > 0) throw invalidArgument(violations);
  checkHeld(await rightsOfAccount(em, wanted));
}

/** The user of an id, over whom the caller has power: who may do less than somebody else can't change them. */
export async function findUserForChange(em: EntityManager, id: string): Promise<UserAccount> {
  const user = await findUser(em, id);
  checkHeld(await rightsOfAccount(em, user));
  return user;
}

export async function findUser(em: EntityManager, id: string): Promise<UserAccount> {
  const user = await em.findOne(UserAccount, { tenantId: currentCaller().tenantId, id });
  if (!user) throw new AppError('NOT_FOUND', 'USER_NOT_FOUND', 'There is no such user.');
  return user;
}

/**
 * Refuses to take the last admin who is active away from a tenant: nobody could give the role back.
 *
 * @param em in a transaction that holds the tenant's lock
 */
export async function checkAdminStays(
  em: EntityManager,
  user: UserAccount,
  after: Pick<UserAccount, 'roleIds' | 'state'> | undefined,
): Promise<void> {
  if (!isActiveAdmin(user) || (after && isActiveAdmin(after))) return;
  const others = {
    tenantId: user.tenantId,
    id: { $ne: user.id },
    state: 'ACTIVE',
    roleIds: { $contains: [adminRoleId] },
  };
  if (await em.findOne(UserAccount, others as object)) return;
  throw new AppError('FAILED_PRECONDITION', 'LAST_ADMIN', 'This is the last admin. Make somebody else admin first.');
}

function isActiveAdmin({ roleIds, state }: Pick<UserAccount, 'roleIds' | 'state'>): boolean {
  return state === 'ACTIVE' && roleIds.includes(adminRoleId);
}
