import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  AccountServiceService,
  type AccountServiceServer,
  type ChangePasswordRequest,
  type ConfirmTotpRequest,
  type DisableTotpRequest,
  type EnrollTotpRequest,
  type PasswordProof,
  type RecoveryCodes,
  type RenewRecoveryCodesRequest,
  type RequestPasswordResetRequest,
  type ResetPasswordRequest,
  type TotpEnrollment,
  type UpdateAccountRequest,
} from '@rapport/contracts/rapport/auth/v1/account_service';
import type { User as UserMessage } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AppError, invalidArgument, type SecurityEventKind } from '@rapport/platform';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { Tenant } from '../storage/tenant.entity.js';
import { removeSecondFactor, SecondFactor } from '../sign-in/second-factor.js';
import { base32, totpUri } from '../sign-in/totp.js';
import { UserAccount } from '../storage/user-account.entity.js';
import { PasswordResets } from '../sign-in/password-resets.js';
import { Passwords, replacePassword } from '../sign-in/passwords/passwords.js';
import { userMessage } from './user-message.js';
import { updateAccount } from './write-user.js';
import { findCurrentUser } from './current-user.js';

@Controller()
@ImplementsService(AccountServiceService)
export class AccountController implements ServiceHandlers<AccountServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly passwordResets: PasswordResets,
    private readonly secondFactor: SecondFactor,
  ) {}

  async getAccount(): Promise<UserMessage> {
    return userMessage(this.em, await findCurrentUser(this.em));
  }

  async updateAccount(request: UpdateAccountRequest): Promise<UserMessage> {
    return userMessage(this.em, await updateAccount(this.em, request));
  }

  async changePassword({ change }: ChangePasswordRequest): Promise<Empty> {
    const { currentPassword, newPassword } = required(change, 'change');
    const user = await this.#verify(currentPassword);
    const passwordHash = await this.passwords.hashNew(this.em, user, 'change.newPassword', newPassword);
    await this.em.transactional(
      async (em) => {
        const before = user.passwordHash;
        const unchanged = await em.findOne(UserAccount, { tenantId: user.tenantId, id: user.id, passwordHash: before });
        if (!unchanged) {
          throw new AppError('ABORTED', 'CONCURRENT_WRITE', 'A concurrent write changed the account. Try again.');
        }
        await replacePassword(em, unchanged, passwordHash);
        await recordOwn(em, 'PASSWORD_CHANGED', user);
      },
      { clear: true },
    );
    return {};
  }

  async requestPasswordReset({ account }: RequestPasswordResetRequest): Promise<Empty> {
    await this.passwordResets.request(required(account, 'account'));
    return {};
  }

  async resetPassword({ reset }: ResetPasswordRequest): Promise<Empty> {
    await this.passwordResets.complete(required(reset, 'reset'));
    return {};
  }

  async enrollTotp({ proof }: EnrollTotpRequest): Promise<TotpEnrollment> {
    const user = await this.#verifyProof(proof);
    const { displayName } = await this.em.findOneOrFail(Tenant, { id: user.tenantId });
    const secret = await this.em.transactional((em) => this.secondFactor.enroll(em, user));
    return { secret: base32(secret), uri: totpUri(secret, user.email, displayName) };
  }

  async confirmTotp({ confirmation }: ConfirmTotpRequest): Promise<RecoveryCodes> {
    const { code } = required(confirmation, 'confirmation');
    const user = await findCurrentUser(this.em);
    const codes = await this.passwords.guess('totp', user, () =>
      this.em.transactional(async (em) => {
        const recoveryCodes = await this.secondFactor.confirm(em, user, code);
        await recordOwn(em, 'TWO_FACTOR_ON', user);
        return recoveryCodes;
      }),
    );
    return { codes };
  }

  async renewRecoveryCodes({ proof }: RenewRecoveryCodesRequest): Promise<RecoveryCodes> {
    const user = await this.#verifyProof(proof);
    if (!(await this.secondFactor.isOn(this.em, user))) {
      throw new AppError('FAILED_PRECONDITION', 'TWO_FACTOR_OFF', 'Two-factor authentication is not enabled.');
    }
    const codes = await this.em.transactional(async (em) => {
      const renewed = await this.secondFactor.renewRecoveryCodes(em, user);
      await recordOwn(em, 'RECOVERY_CODES_RENEWED', user);
      return renewed;
    });
    return { codes };
  }

  async disableTotp({ proof }: DisableTotpRequest): Promise<Empty> {
    const user = await this.#verifyProof(proof);
    await this.em.transactional(async (em) => {
      await removeSecondFactor(em, user);
      await recordOwn(em, 'TWO_FACTOR_OFF', user);
    });
    return {};
  }

  #verifyProof(proof: PasswordProof | undefined): Promise<UserAccount> {
    return this.#verify(required(proof, 'proof').currentPassword);
  }

  async #verify(password: string): Promise<UserAccount> {
    const user = await findCurrentUser(this.em);
    await this.passwords.verifyCurrent(user, password);
    return user;
  }
}

/** Records a change that users make to their own account. */
function recordOwn(em: EntityManager, kind: SecurityEventKind, { id }: UserAccount): Promise<void> {
  return recordSecurityEvent(em, { kind, outcome: 'SUCCESS', records: [`user/${id}`] });
}

function required<Message>(message: Message | undefined, field: string): Message {
  if (message === undefined) throw invalidArgument([{ field, reason: 'REQUIRED', description: 'is required' }]);
  return message;
}
