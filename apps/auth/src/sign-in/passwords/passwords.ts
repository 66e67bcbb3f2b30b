import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AppError, invalidArgument } from '@rapport/platform';
import { endSessionsOf } from '../sessions.js';
import { Tenant } from '../../storage/tenant.entity.js';
import { Throttle, type Limit } from '../throttle.js';
import type { UserAccount } from '../../storage/user-account.entity.js';
import { passwordViolation } from './password-rules.js';
import { PasswordHasher } from './password-hasher.js';

/** The passwords of existing accounts. */
@Injectable()
export class Passwords {
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly throttle: Throttle,
  ) {}

  /** @throws AppError PERMISSION_DENIED PASSWORD_WRONG, or RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS */
  async verifyCurrent(user: UserAccount, password: string): Promise<void> {
    this.hasher.checkCapacity(user.tenantId);
    await this.guess('password', user, async () => {
      if (await this.hasher.verifyPassword(password, user.passwordHash, user.tenantId)) return;
      throw new AppError('PERMISSION_DENIED', 'PASSWORD_WRONG', 'The current password is wrong.');
    });
  }

  /** Counts an attempt against the limit of guesses, unless it succeeds. */
  async guess<Result>(what: string, { tenantId, id }: UserAccount, attempt: () => Promise<Result>): Promise<Result> {
    const limits: Limit[] = [{ subject: `${what} ${tenantId} ${id}`, attempts: 10, windowSeconds: 900 }];
    await this.throttle.take('account', limits);
    const result = await attempt();
    await this.throttle.refund('account', limits);
    return result;
  }

  /**
   * Validates a new password and hashes it.
   *
   * @param field path of the password in the request
   * @throws AppError INVALID_ARGUMENT
   */
  async hashNew(em: EntityManager, user: UserAccount, field: string, password: string): Promise<string> {
    const { displayName: tenantName } = await em.findOneOrFail(Tenant, { id: user.tenantId });
    const violation = await passwordViolation(field, password, { ...user, tenantName });
    if (violation) throw invalidArgument([violation]);
    return this.hasher.hashPassword(password, user.tenantId);
  }
}

/** Replaces the password of a user and ends all sessions. @param em in a transaction */
export async function replacePassword(em: EntityManager, user: UserAccount, passwordHash: string): Promise<void> {
  await endSessionsOf(em, user);
  em.assign(user, { passwordHash, updateTime: new Date(), version: user.version + 1 });
}
