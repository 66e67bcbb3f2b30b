import type { EntityManager } from '@mikro-orm/postgresql';
import type { InvitationAcceptance } from '@rapport/contracts/rapport/auth/v1/users_service';
import { tenantSession } from '@rapport/persistence';
import { invalidArgument } from '@rapport/platform';
import { tenantOfToken, tokenInvalid, userOfToken, consumeToken } from '../sign-in/one-time-tokens.js';
import type { PasswordHasher } from '../sign-in/passwords/password-hasher.js';
import { passwordViolation } from '../sign-in/passwords/password-rules.js';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { Tenant } from '../storage/tenant.entity.js';
import { UserAccount } from '../storage/user-account.entity.js';

/**
 * The user that an invitation is for, and an EntityManager of the tenant.
 *
 * @param em without a tenant: the token contains it
 * @throws AppError INVALID_ARGUMENT for an invalid token
 */
export async function findInvitation(
  em: EntityManager,
  token: string,
): Promise<{ em: EntityManager; invited: UserAccount; tenantName: string }> {
  const tenantId = tenantOfToken(token);
  const tenantEm = em.fork({ session: tenantSession(tenantId) });
  const id = await userOfToken(tenantEm, 'INVITATION', token);
  if (id === undefined) throw tokenInvalid('acceptance.token');
  const invited = await tenantEm.findOneOrFail(UserAccount, { tenantId, id });
  const { displayName: tenantName } = await tenantEm.findOneOrFail(Tenant, { id: tenantId });
  return { em: tenantEm, invited, tenantName };
}

/**
 * Activates the account of an invitation. A refused password does not consume the token.
 *
 * @param em without a tenant: the token contains it
 * @returns the account, and an EntityManager of the tenant
 */
export async function acceptInvitation(
  em: EntityManager,
  passwordHasher: PasswordHasher,
  { token, password, displayName }: InvitationAcceptance,
): Promise<{ em: EntityManager; user: UserAccount }> {
  const { em: tenantEm, invited, tenantName } = await findInvitation(em, token);
  const { tenantId, id } = invited;
  const violation = await passwordViolation('acceptance.password', password, {
    email: invited.email,
    displayName: displayName ?? invited.displayName,
    tenantName,
  });
  if (violation) throw invalidArgument([violation]);
  const passwordHash = await passwordHasher.hashPassword(password, tenantId);
  const accepted = await tenantEm.transactional(
    async (transaction) => {
      const user = await transaction.findOne(UserAccount, { tenantId, id, state: 'INVITED' });
      if (!user || !(await consumeToken(transaction, 'INVITATION', token))) throw tokenInvalid('acceptance.token');
      transaction.assign(user, {
        passwordHash,
        state: 'ACTIVE',
        displayName: displayName ?? user.displayName,
        updateTime: new Date(),
        version: user.version + 1,
      });
      await recordSecurityEvent(transaction, {
        kind: 'INVITATION_ACCEPTED',
        outcome: 'SUCCESS',
        records: [`user/${id}`],
        principalId: `user:${id}`,
      });
      return user;
    },
    { clear: true },
  );
  return { em: tenantEm, user: accepted };
}
