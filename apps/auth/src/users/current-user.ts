import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { UserAccount } from '../storage/user-account.entity.js';

/** UUID of the user who calls; undefined when a program does. */
export function currentUserId(): string | undefined {
  return /^user:([0-9a-f-]{36})$/.exec(currentCaller().principalId)?.[1];
}

/** @throws AppError PERMISSION_DENIED USER_NEEDED when no active user calls */
export async function findCurrentUser(em: EntityManager): Promise<UserAccount> {
  const id = currentUserId();
  const { tenantId } = currentCaller();
  const user = id === undefined ? null : await em.findOne(UserAccount, { tenantId, id, state: 'ACTIVE' });
  if (!user) throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'Only a user who is signed in has an account.');
  return user;
}
