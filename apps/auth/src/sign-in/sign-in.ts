import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AppError, networkOf } from '@rapport/platform';
import { BoundedEvents } from '../security-events/bounded-events.js';
import { emailKey, UserAccount } from '../storage/user-account.entity.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { Throttle, type Limit } from './throttle.js';
import { SecondFactor } from './second-factor.js';

export interface Credentials {
  tenantId: string;
  email: string;
  password: string;
  /** Of the authenticator app, or a recovery code. */
  code?: string | undefined;
  /** Address of the client. */
  address: string;
}

const windowSeconds = 900;
/** By one address for one account: somebody who has forgotten the password. */
const attemptsOfPair = 10;
/** For an account by all addresses, and by an address for all accounts. More, so that nobody can shut others out so easily. */
const attemptsOfMany = 100;
/** At the code of an account whose password is known, by all addresses: 3 codes of a million are right at any time. */
const guessesAtCode = { attempts: 10, windowSeconds: 3_600 };

/** Finds out who signs in. */
@Injectable()
export class SignIn {
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly secondFactor: SecondFactor,
    private readonly throttle: Throttle,
    private readonly events: BoundedEvents,
  ) {}

  /**
   * The active user of the credentials. Takes as long, and tells as little, when there is no such user.
   *
   * @param em of the tenant, not in a transaction
   * @throws AppError UNAUTHENTICATED CREDENTIALS_WRONG, also for a wrong or used code; UNAUTHENTICATED CODE_NEEDED when the
   *   password is right and a code is lacking; RESOURCE_EXHAUSTED when too many attempts were made, or too many sign in now
   */
  async verify(em: EntityManager, { tenantId, email, password, code, address }: Credentials): Promise<UserAccount> {
    const limits = limitsOf(tenantId, emailKey(email), networkOf(address));
    this.hasher.checkRoom(tenantId);
    await this.throttle.take('sign-in', limits);
    const user = await em.findOne(UserAccount, { tenantId, email: emailKey(email), state: 'ACTIVE' });
    const isRight = await this.hasher.verifyPassword(password, user?.passwordHash, tenantId);
    if (!user || !isRight) throw this.#refused('PASSWORD_WRONG', tenantId, address, user);
    if (await this.secondFactor.isOn(em, user)) {
      if (code === undefined) {
        await this.throttle.giveBack('sign-in', limits);
        throw new AppError('UNAUTHENTICATED', 'CODE_NEEDED', 'A code of the authenticator app is needed.');
      }
      const guess = { subject: `sign-in code ${tenantId} ${user.id}`, ...guessesAtCode };
      await this.throttle.take('sign-in', [guess]);
      if (!(await this.secondFactor.use(em, user, code))) throw this.#refused('CODE_WRONG', tenantId, address, user);
      limits.push(guess);
    }
    await this.throttle.giveBack('sign-in', limits);
    return user;
  }

  /** The tenant's own audit may say what the client is not told. */
  #refused(reason: string, tenantId: string, address: string, user: UserAccount | null): AppError {
    this.events.recordLater(tenantId, {
      kind: 'SIGN_IN_FAILED',
      outcome: 'DENIED',
      reason,
      principalId: 'anonymous',
      client: { address, userAgent: '' },
      ...(user && { records: [`user/${user.id}`] }),
    });
    return new AppError('UNAUTHENTICATED', 'CREDENTIALS_WRONG', 'These credentials are not right.');
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
