import type { EntityManager } from '@mikro-orm/postgresql';
import { textsFor } from '../sign-in/texts/texts.js';
import type { Mailer } from '../sign-in/mailer.js';
import { issueToken } from '../sign-in/one-time-tokens.js';
import type { UserAccount } from '../storage/user-account.entity.js';

/** How long an invitation is valid. */
const invitationSeconds = 7 * 24 * 3_600;

/** Sends invitations by mail. */
export class Invitations {
  constructor(
    private readonly mailer: Mailer,
    /** Scheme, host and port of the edge for browsers. */
    private readonly publicUrl: string,
  ) {}

  /** Issues a token, which replaces an earlier one. @returns sends the mail: call it after the transaction of `em` has committed */
  async prepare(em: EntityManager, user: UserAccount, tenantName: string): Promise<() => Promise<void>> {
    const token = await issueToken(em, 'INVITATION', user, invitationSeconds);
    const url = `${this.publicUrl}/oauth/invitation?token=${token}`;
    const mail = textsFor(user.locale).mails.invitation(user.displayName, tenantName, url);
    return () => this.mailer.send({ to: user.email, ...mail });
  }
}
