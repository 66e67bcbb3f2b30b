import type { EntityManager } from '@mikro-orm/postgresql';
import type { Mailer } from '../sign-in/mailer.js';
import { issueToken } from '../sign-in/one-time-tokens.js';
import type { UserAccount } from '../storage/user-account.entity.js';

/** How long somebody has to accept. */
const invitationSeconds = 7 * 24 * 3_600;

/** Invites people by mail. */
export class Invitations {
  constructor(
    private readonly mailer: Mailer,
    /** Scheme, host and port of the edge as browsers reach it. */
    private readonly publicUrl: string,
  ) {}

  /** The mail to send once the transaction of `em` is committed, with a token that takes the place of an earlier one. */
  async prepare(em: EntityManager, user: UserAccount, tenantName: string): Promise<() => Promise<void>> {
    const token = await issueToken(em, 'INVITATION', user, invitationSeconds);
    const text = `Hello ${user.displayName},

you have been invited to ${tenantName} on Rapport. Choose a password within 7 days:

${this.publicUrl}/oauth/invitation?token=${token}

If you did not expect this, you need not do anything.
`;
    return () => this.mailer.send({ to: user.email, subject: `Your invitation to ${tenantName}`, text });
  }
}
