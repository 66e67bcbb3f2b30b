import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { adminRoleId } from '../access/built-in-roles.js';
import { checkEscalation } from '../access/check-escalation.js';
import { findRoles, rightsOfAccount } from '../access/principal-rights.js';
import { Team } from '../storage/team.entity.js';
import { UserAccount } from '../storage/user-account.entity.js';

type Assignment = Pick<UserAccount, 'roleIds' | 'teamId'>;

/**
 * Checks the roles and the team to assign to a user: they must exist, and the caller must hold the rights that they grant.
 *
 * @param em in a transaction that holds the tenant's lock
 */
export async function checkAssignment(em: EntityManager, wanted: Assignment): Promise<void> {
  const violations: FieldViolation[] = [];
  if (wanted.roleIds.length === 0) {
    violations.push({ field: 'user.roleIds', reason: 'TOO_FEW_ITEMS', description: 'must have at least 1 item.' });
  }
  const known = (await findRoles(em, wanted.roleIds)).map(({ id }) => id);
  wanted.roleIds.forEach((id, index) => {
    if (known.includes(id)) return;
    violations.push({
      field: `user.roleIds[${index}]`,
      reason: 'ROLE_UNKNOWN',
      description: 'is not the id of a role',
    });
  });
  const { tenantId } = currentCaller();
  if (wanted.teamId && !(await em.findOne(Team, { tenantId, id: wanted.teamId }))) {
    violations.push({ field: 'user.teamId', reason: 'TEAM_UNKNOWN', description: 'is not the id of a team' });
  }
  if (violations.length > 0) throw invalidArgument(violations);
  checkEscalation(await rightsOfAccount(em, wanted));
}

/** Finds a user that the caller may change. Callers cannot change users whose rights exceed their own. */
export async function findUserForChange(em: EntityManager, id: string): Promise<UserAccount> {
  const user = await findUser(em, id);
  checkEscalation(await rightsOfAccount(em, user));
  return user;
}

export async function findUser(em: EntityManager, id: string): Promise<UserAccount> {
  const user = await em.findOne(UserAccount, { tenantId: currentCaller().tenantId, id });
  if (!user) throw new AppError('NOT_FOUND', 'USER_NOT_FOUND', 'The user does not exist.');
  return user;
}

/**
 * Refuses to remove the last active admin of a tenant, because nobody could grant the role again.
 *
 * @param em in a transaction that holds the tenant's lock
 */
export async function checkAdminRemains(
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
  throw new AppError(
    'FAILED_PRECONDITION',
    'LAST_ADMIN',
    'This is the last admin. Grant the role to another user first.',
  );
}

function isActiveAdmin({ roleIds, state }: Pick<UserAccount, 'roleIds' | 'state'>): boolean {
  return state === 'ACTIVE' && roleIds.includes(adminRoleId);
}
