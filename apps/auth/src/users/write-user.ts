import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import { User_State, type UpdateUserRequest } from '@rapport/contracts/rapport/auth/v1/users_service';
import { checkEtag } from '@rapport/persistence';
import { AppError, invalidArgument } from '@rapport/platform';
import { OneTimeToken } from '../one-time-tokens/one-time-token.entity.js';
import { recordSecurityEvent } from '../security/security-event.js';
import { endSessionsOf } from '../sessions/sessions.js';
import { lockTenant } from '../tenant-lock.js';
import { forgetSecondFactor, usersWithSecondFactor } from '../totp/second-factor.js';
import { checkAdminStays, checkAssignment, findUserForChange } from './check-user.js';
import type { UserAccount, UserState } from './user-account.entity.js';

const updatable: Updatable<'displayName' | 'roleIds' | 'teamId' | 'state'> = {
  name: 'user',
  noun: 'a user',
  fields: ['displayName', 'roleIds', 'teamId', 'state'],
  fixed: {
    email: 'IMMUTABLE',
    ...Object.fromEntries(['id', 'twoFactor', 'etag', 'createTime', 'updateTime'].map((name) => [name, 'OUTPUT_ONLY'])),
  },
};

export async function updateUser(
  em: EntityManager,
  { id, user: changes, updateMask, etag }: UpdateUserRequest,
): Promise<UserAccount> {
  if (!changes) throw invalidArgument([{ field: 'user', reason: 'REQUIRED', description: 'is required' }]);
  const mask = readMask(updateMask, updatable);
  return em.transactional(async (transaction) => {
    await lockTenant(transaction);
    const user = await findUserForChange(transaction, id);
    checkEtag(etag, user.version);
    const after = {
      displayName: mask.includes('displayName') ? changes.displayName : user.displayName,
      roleIds: mask.includes('roleIds') ? [...new Set(changes.roleIds)] : user.roleIds,
      teamId: mask.includes('teamId') ? (changes.teamId ?? null) : user.teamId,
      state: mask.includes('state') ? nextState(user, changes.state) : user.state,
    };
    if (after.displayName === '') {
      throw invalidArgument([{ field: 'user.displayName', reason: 'REQUIRED', description: 'is required' }]);
    }
    await checkAssignment(transaction, after);
    await checkAdminStays(transaction, user, after);
    const isShutOut = after.state === 'DISABLED' && user.state !== 'DISABLED';
    if (isShutOut) await endSessionsOf(transaction, user);
    transaction.assign(user, { ...after, updateTime: new Date(), version: user.version + 1 });
    const { displayName: _, ...rights } = after;
    await recordSecurityEvent(transaction, {
      kind: 'USER_CHANGED',
      outcome: 'SUCCESS',
      records: [`user/${id}`],
      detail: rights,
    });
    return user;
  });
}

export async function deleteUser(em: EntityManager, id: string): Promise<void> {
  await em.transactional(async (transaction) => {
    await lockTenant(transaction);
    const user = await findUserForChange(transaction, id);
    await checkAdminStays(transaction, user, undefined);
    await endSessionsOf(transaction, user);
    await forgetSecondFactor(transaction, user);
    await transaction.nativeDelete(OneTimeToken, { tenantId: user.tenantId, userId: user.id });
    transaction.remove(user);
    await recordSecurityEvent(transaction, { kind: 'USER_DELETED', outcome: 'SUCCESS', records: [`user/${id}`] });
  });
}

export async function resetTwoFactor(em: EntityManager, id: string): Promise<UserAccount> {
  return em.transactional(async (transaction) => {
    await lockTenant(transaction);
    const user = await findUserForChange(transaction, id);
    if (!(await usersWithSecondFactor(transaction, [id])).has(id)) {
      throw new AppError('FAILED_PRECONDITION', 'TWO_FACTOR_OFF', 'There is no second factor.');
    }
    await forgetSecondFactor(transaction, user);
    await endSessionsOf(transaction, user);
    transaction.assign(user, { updateTime: new Date(), version: user.version + 1 });
    await recordSecurityEvent(transaction, { kind: 'TWO_FACTOR_OFF', outcome: 'SUCCESS', records: [`user/${id}`] });
    return user;
  });
}

function nextState({ passwordHash, state }: UserAccount, wanted: User_State): UserState {
  if (wanted === User_State[state]) return state;
  if (wanted === User_State.DISABLED) return 'DISABLED';
  if (wanted === User_State.ACTIVE && passwordHash) return 'ACTIVE';
  if (wanted === User_State.INVITED && !passwordHash) return 'INVITED';
  if (wanted === User_State.ACTIVE) {
    throw new AppError('FAILED_PRECONDITION', 'INVITATION_OPEN', 'The user has not accepted the invitation.');
  }
  throw invalidArgument([{ field: 'user.state', reason: 'STATE_WRONG', description: 'must be ACTIVE or DISABLED' }]);
}
