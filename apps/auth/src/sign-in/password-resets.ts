import type { MikroORM } from '@mikro-orm/postgresql';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Logger } from '@nestjs/common';
import type { AccountName, PasswordReset } from '@rapport/contracts/rapport/auth/v1/account_service';
import { tenantSession } from '@rapport/persistence';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { emailKey, UserAccount } from '../storage/user-account.entity.js';
import { tenantOfWorkspace } from '../storage/workspace.entity.js';
import { textsFor } from './texts/texts.js';
import type { Mailer } from './mailer.js';
import { issueToken, tenantOfToken, tokenInvalid, userOfToken, consumeToken } from './one-time-tokens.js';
import type { Throttle } from './throttle.js';
import { replacePassword, type Passwords } from './passwords/passwords.js';

const resetSeconds = 3_600;
/** Maximum mails to one account in an hour. */
const mailsPerHour = 3;

/** Resets passwords with a link that is sent to the e-mail address of the account. */
export class PasswordResets {
  readonly #logger = new Logger('password-resets');

  constructor(
    private readonly orm: MikroORM,
    private readonly mailer: Mailer,
    private readonly passwords: Passwords,
    private readonly throttle: Throttle,
    /** Scheme, host and port of the edge for browsers. */
    private readonly publicUrl: string,
  ) {}

  /**
   * Sends a mail if the account exists. To reveal nothing, the work that depends on it runs after the response, and attempts are
   * counted by the requested address.
   *
   * @param locale of the mail to a user without one
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS
   */
  async request({ workspace, email }: AccountName, locale?: string): Promise<void> {
    const tenantId = await tenantOfWorkspace(this.orm.em.fork(), workspace);
    await this.#take(tenantId ?? workspace.trim().toLowerCase(), email);
    if (tenantId !== undefined) this.#sendLater(tenantId, email, locale);
  }

  /** The same for an account of a given tenant. */
  async requestOf(tenantId: string, email: string, locale?: string): Promise<void> {
    await this.#take(tenantId, email);
    this.#sendLater(tenantId, email, locale);
  }

  /**
   * The user whose password a token can reset.
   *
   * @throws AppError INVALID_ARGUMENT for an invalid token
   */
  async find(token: string): Promise<{ em: EntityManager; user: UserAccount }> {
    const tenantId = tenantOfToken(token);
    const em = this.#emOf(tenantId);
    const id = await userOfToken(em, 'PASSWORD_RESET', token);
    const user = id === undefined ? null : await em.findOne(UserAccount, { tenantId, id, state: 'ACTIVE' });
    if (!user) throw tokenInvalid('reset.token');
    return { em, user };
  }

  /** @throws AppError INVALID_ARGUMENT for an invalid token or password */
  async complete({ token, password }: PasswordReset): Promise<void> {
    const { em, user } = await this.find(token);
    const { tenantId } = user;
    const passwordHash = await this.passwords.hashNew(em, user, 'reset.password', password);
    await em.transactional(
      async (transaction) => {
        const active = await transaction.findOne(UserAccount, { tenantId, id: user.id, state: 'ACTIVE' });
        if (!active || !(await consumeToken(transaction, 'PASSWORD_RESET', token))) throw tokenInvalid('reset.token');
        await replacePassword(transaction, active, passwordHash);
        await recordSecurityEvent(transaction, {
          kind: 'PASSWORD_RESET',
          outcome: 'SUCCESS',
          records: [`user/${user.id}`],
          principalId: `user:${user.id}`,
        });
      },
      { clear: true },
    );
  }

  #take(tenant: string, email: string): Promise<void> {
    const subject = `password-reset ${tenant} ${emailKey(email)}`;
    return this.throttle.take('password-reset', [{ subject, attempts: mailsPerHour, windowSeconds: 3_600 }]);
  }

  #sendLater(tenantId: string, email: string, locale: string | undefined): void {
    this.#send(tenantId, emailKey(email), locale).catch((error: unknown) => this.#logger.error(error));
  }

  async #send(tenantId: string, email: string, locale: string | undefined): Promise<void> {
    const em = this.#emOf(tenantId);
    const user = await em.findOne(UserAccount, { tenantId, email, state: 'ACTIVE' });
    if (!user) return;
    const token = await em.transactional((transaction) =>
      issueToken(transaction, 'PASSWORD_RESET', user, resetSeconds),
    );
    const { mails } = textsFor(user.locale, locale);
    const url = `${this.publicUrl}/oauth/password-reset?token=${token}`;
    await this.mailer.send({ to: user.email, ...mails.passwordReset(user.displayName, url) });
  }

  #emOf(tenantId: string): EntityManager {
    return this.orm.em.fork({ session: tenantSession(tenantId) });
  }
}
