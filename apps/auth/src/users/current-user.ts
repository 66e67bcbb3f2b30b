import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { UserAccount } from '../storage/user-account.entity.js';

/** UUID of the calling user. Undefined when the caller is an API key or an OAuth client. */
export function currentUserId(): string | undefined {
  return /^user:([0-9a-f-]{36})$/.exec(currentCaller().principalId)?.[1];
}

/** @throws AppError PERMISSION_DENIED USER_NEEDED when the caller is not an active user */
export async function findCurrentUser(em: EntityManager): Promise<UserAccount> {
  const id = currentUserId();
  const { tenantId } = currentCaller();
  const user = id === undefined ? null : await em.findOne(UserAccount, { tenantId, id, state: 'ACTIVE' });
  if (!user) throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'This operation requires a signed-in user.');
  return user;
}
