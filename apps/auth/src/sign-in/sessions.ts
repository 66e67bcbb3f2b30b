import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { OneTimeToken } from '../storage/one-time-token.entity.js';
import type { UserAccount } from '../storage/user-account.entity.js';
import { UserSession } from '../storage/user-session.entity.js';

const maxUserAgentLength = 300;

export interface NewSession {
  expireTime: Date;
  /** Address of the client. */
  address?: string;
  userAgent?: string;
}

/** Stores a session for a user who has signed in, and deletes their expired ones. */
export async function openSession(
  em: EntityManager,
  { tenantId, id: userId }: Pick<UserAccount, 'tenantId' | 'id'>,
  { expireTime, address, userAgent }: NewSession,
): Promise<UserSession> {
  return em.transactional(async (transaction) => {
    await transaction.nativeDelete(UserSession, { tenantId, userId, expireTime: { $lte: new Date() } });
    const session = transaction.create(UserSession, {
      tenantId,
      id: v7(),
      userId,
      address: address ?? null,
      userAgent: userAgent?.slice(0, maxUserAgentLength) ?? null,
      createTime: new Date(),
      expireTime,
    });
    await recordSecurityEvent(transaction, {
      kind: 'SIGN_IN',
      outcome: 'SUCCESS',
      records: [`user/${userId}`, `session/${session.id}`],
      principalId: `user:${userId}`,
      client: { address: session.address ?? '', userAgent: session.userAgent ?? '' },
    });
    return session;
  });
}

/** Deletes a session. False when it does not exist. */
export async function endSession(em: EntityManager, tenantId: string, id: string): Promise<boolean> {
  return (await em.nativeDelete(UserSession, { tenantId, id })) === 1;
}

/**
 * Ends all sessions of a user, and the links of mails that could set a password. Raising the epoch ends their tokens too.
 *
 * @param em in a transaction
 */
export async function endSessionsOf(em: EntityManager, user: UserAccount): Promise<void> {
  user.sessionEpoch += 1;
  await em.nativeDelete(OneTimeToken, { tenantId: user.tenantId, userId: user.id });
  await em.nativeDelete(UserSession, { tenantId: user.tenantId, userId: user.id });
}
