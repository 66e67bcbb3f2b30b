import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type { Profile, UpdateAccountRequest } from '@rapport/contracts/rapport/auth/v1/account_service';
import {
  User_State,
  type DeleteUserRequest,
  type ResetTwoFactorRequest,
  type UpdateUserRequest,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import { checkEtag } from '@rapport/persistence';
import { AppError, invalidArgument } from '@rapport/platform';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { endSessionsOf } from '../sign-in/sessions.js';
import { lockTenant } from '../tenants/tenant-lock.js';
import { removeSecondFactor, usersWithSecondFactor } from '../sign-in/second-factor.js';
import type { UserAccount, UserState } from '../storage/user-account.entity.js';
import { storedLocale } from './user-locale.js';
import { checkAdminRemains, checkAssignment, findUserForChange } from './check-user.js';
import { findCurrentUser } from './current-user.js';

const updatable: Updatable<'displayName' | 'roleIds' | 'teamId' | 'state' | 'timeZone' | 'locale'> = {
  name: 'user',
  noun: 'a user',
  fields: ['displayName', 'roleIds', 'teamId', 'state', 'timeZone', 'locale'],
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
      roleIds: mask.includes('roleIds') ? [...new Set(changes.roleIds)] : user.roleIds,
      teamId: mask.includes('teamId') ? (changes.teamId ?? null) : user.teamId,
      state: mask.includes('state') ? nextState(user, changes.state) : user.state,
    };
    const own = ownChanges(user, { field: 'user', changes, mask });
    await checkAssignment(transaction, after);
    await checkAdminRemains(transaction, user, after);
    const becomesDisabled = after.state === 'DISABLED' && user.state !== 'DISABLED';
    if (becomesDisabled) await endSessionsOf(transaction, user);
    transaction.assign(user, { ...after, ...own, updateTime: new Date(), version: user.version + 1 });
    await recordSecurityEvent(transaction, {
      kind: 'USER_CHANGED',
      outcome: 'SUCCESS',
      records: [`user/${id}`],
      detail: after,
    });
    return user;
  });
}

const updatableByUser: Updatable<'displayName' | 'timeZone' | 'locale'> = {
  name: 'profile',
  noun: 'a profile',
  fields: ['displayName', 'timeZone', 'locale'],
  fixed: {},
};

/** Handles UpdateAccount. @throws AppError PERMISSION_DENIED USER_NEEDED when the caller is not an active user */
export async function updateAccount(
  em: EntityManager,
  { profile, updateMask, etag }: UpdateAccountRequest,
): Promise<UserAccount> {
  if (!profile) throw invalidArgument([{ field: 'profile', reason: 'REQUIRED', description: 'is required' }]);
  const mask = readMask(updateMask, updatableByUser);
  return em.transactional(async (transaction) => {
    await lockTenant(transaction);
    const user = await findCurrentUser(transaction);
    checkEtag(etag, user.version);
    const own = ownChanges(user, { field: 'profile', changes: profile, mask });
    transaction.assign(user, { ...own, updateTime: new Date(), version: user.version + 1 });
    await recordSecurityEvent(transaction, { kind: 'USER_CHANGED', outcome: 'SUCCESS', records: [`user/${user.id}`] });
    return user;
  });
}

/** The fields that users may change on their own account. @throws AppError INVALID_ARGUMENT */
function ownChanges(
  user: UserAccount,
  { field, changes, mask }: { field: string; changes: Profile; mask: readonly string[] },
): Pick<UserAccount, 'displayName' | 'timeZone' | 'locale'> {
  const displayName = mask.includes('displayName') ? (changes.displayName ?? '') : user.displayName;
  if (displayName === '') {
    throw invalidArgument([{ field: `${field}.displayName`, reason: 'REQUIRED', description: 'is required' }]);
  }
  const { timeZone, locale } = storedLocale(field, {
    timeZone: mask.includes('timeZone') ? changes.timeZone : (user.timeZone ?? undefined),
    locale: mask.includes('locale') ? changes.locale : (user.locale ?? undefined),
  });
  return { displayName, timeZone, locale };
}

export async function deleteUser(em: EntityManager, { id, etag }: DeleteUserRequest): Promise<void> {
  await em.transactional(async (transaction) => {
    await lockTenant(transaction);
    const user = await findUserForChange(transaction, id);
    checkEtag(etag, user.version);
    await checkAdminRemains(transaction, user, undefined);
    await endSessionsOf(transaction, user);
    await removeSecondFactor(transaction, user);
    transaction.remove(user);
    await recordSecurityEvent(transaction, { kind: 'USER_DELETED', outcome: 'SUCCESS', records: [`user/${id}`] });
  });
}

export async function resetTwoFactor(em: EntityManager, { id, etag }: ResetTwoFactorRequest): Promise<UserAccount> {
  return em.transactional(async (transaction) => {
    await lockTenant(transaction);
    const user = await findUserForChange(transaction, id);
    checkEtag(etag, user.version);
    if (!(await usersWithSecondFactor(transaction, [id])).has(id)) {
      throw new AppError('FAILED_PRECONDITION', 'TWO_FACTOR_OFF', 'Two-factor authentication is not enabled.');
    }
    await removeSecondFactor(transaction, user);
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
