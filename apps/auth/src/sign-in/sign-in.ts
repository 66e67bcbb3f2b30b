import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AppError, networkOf } from '@rapport/platform';
import { BoundedEvents } from '../security-events/bounded-events.js';
import { emailKey, UserAccount } from '../storage/user-account.entity.js';
import { isStandIn } from '../storage/workspace.entity.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { Throttle, type Limit } from './throttle.js';
import { SecondFactor } from './second-factor.js';

export interface Credentials {
  tenantId: string;
  email: string;
  password: string;
  /** A code of the authenticator app, or a recovery code. */
  code?: string | undefined;
  /** Address of the client. */
  address: string;
}

const windowSeconds = 900;
/** Limit for one account from one network: enough for a forgotten password. */
const attemptsOfPair = 10;
/** Limit for an account from all networks, and for a network on all accounts. Higher, so that it is harder to lock others out. */
const attemptsOfMany = 100;
/** Limit of guesses at the code of an account whose password is known, from all networks: 3 of a million codes are valid at a time. */
const guessesAtCode = { attempts: 10, windowSeconds: 3_600 };

/** Verifies the credentials of a sign-in. */
@Injectable()
export class SignIn {
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly secondFactor: SecondFactor,
    private readonly throttle: Throttle,
    private readonly events: BoundedEvents,
  ) {}

  /**
   * Returns the active user that the credentials belong to. For an unknown user, it takes as long and fails with the same error.
   *
   * @param em of the tenant, not in a transaction
   * @throws AppError UNAUTHENTICATED CREDENTIALS_WRONG, also for a wrong or used code; UNAUTHENTICATED CODE_NEEDED when the
   *   password is correct and the code is missing; RESOURCE_EXHAUSTED after too many attempts, or when too many sign-ins are pending
   */
  async verify(em: EntityManager, { tenantId, email, password, code, address }: Credentials): Promise<UserAccount> {
    const limits = limitsOf(tenantId, emailKey(email), networkOf(address));
    this.hasher.checkCapacity(tenantId);
    await this.throttle.take('sign-in', limits);
    const user = await em.findOne(UserAccount, { tenantId, email: emailKey(email), state: 'ACTIVE' });
    const isRight = await this.hasher.verifyPassword(password, user?.passwordHash, tenantId);
    if (!user || !isRight) throw this.#refused('PASSWORD_WRONG', tenantId, address, user);
    if (await this.secondFactor.isOn(em, user)) {
      if (code === undefined) {
        await this.throttle.refund('sign-in', limits);
        throw new AppError('UNAUTHENTICATED', 'CODE_NEEDED', 'A code of the authenticator app is required.');
      }
      const guess = { subject: `sign-in code ${tenantId} ${user.id}`, ...guessesAtCode };
      await this.throttle.take('sign-in', [guess]);
      if (!(await this.secondFactor.use(em, user, code))) throw this.#refused('CODE_WRONG', tenantId, address, user);
      limits.push(guess);
    }
    await this.throttle.refund('sign-in', limits);
    return user;
  }

  /** The reason is recorded in the tenant's audit, and hidden from the client. */
  #refused(reason: string, tenantId: string, address: string, user: UserAccount | null): AppError {
    const wrong = new AppError('UNAUTHENTICATED', 'CREDENTIALS_WRONG', 'The credentials are wrong.');
    if (isStandIn(tenantId)) return wrong;
    this.events.recordLater(tenantId, {
      kind: 'SIGN_IN_FAILED',
      outcome: 'DENIED',
      reason,
      principalId: 'anonymous',
      client: { address, userAgent: '' },
      ...(user && { records: [`user/${user.id}`] }),
    });
    return wrong;
  }
}

function limitsOf(tenantId: string, email: string, network: string): Limit[] {
  const account = `sign-in ${tenantId} ${email}`;
  return [
    { subject: `${account} ${network}`, attempts: attemptsOfPair, windowSeconds },
    { subject: account, attempts: attemptsOfMany, windowSeconds },
    { subject: `sign-in ${network}`, attempts: attemptsOfMany, windowSeconds },
  ];
}
