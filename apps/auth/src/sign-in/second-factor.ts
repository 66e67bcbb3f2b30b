import { randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AppError, decryptByAny, encrypt, hmac, invalidArgument, keyIdOf } from '@rapport/platform';
import { AccountKeys } from '../storage/account-keys.js';
import type { UserAccount } from '../storage/user-account.entity.js';
import { RecoveryCode, UserTotp } from '../storage/user-totp.entity.js';
import { base32, matchingStep } from './totp.js';

const enrollSql = `
  insert into user_totp (tenant_id, user_id, sealed_secret, confirm_time, last_step) values (?, ?, ?, null, 0)
  on conflict (tenant_id, user_id) do update set sealed_secret = excluded.sealed_secret, last_step = 0
    where user_totp.confirm_time is null
  returning user_id`;

type Owner = Pick<UserAccount, 'tenantId' | 'id'>;

/** The output length of SHA-1, as RFC 4226 recommends. */
const secretBytes = 20;
const recoveryCodes = 10;
/** Stored secrets have this layout. */
const layout = { tagFirst: true };

/** Authenticator apps and recovery codes of users. Each code is valid once, also for concurrent calls. */
@Injectable()
export class SecondFactor {
  constructor(private readonly keys: AccountKeys) {}

  async isOn(em: EntityManager, user: Owner): Promise<boolean> {
    return (await usersWithSecondFactor(em, [user.id])).has(user.id);
  }

  /** Generates a secret that takes effect when it is confirmed. */
  async enroll(em: EntityManager, user: Owner): Promise<Buffer> {
    const secret = randomBytes(secretBytes);
    // The condition sees a confirmation that a concurrent call has committed.
    const stored = await em.execute(enrollSql, [user.tenantId, user.id, this.#sealed(secret, user)]);
    if (stored.length > 0) return secret;
    throw new AppError(
      'FAILED_PRECONDITION',
      'TWO_FACTOR_ON',
      'Two-factor authentication is already enabled. Disable it first.',
    );
  }

  /** Enables two-factor authentication and returns recovery codes. @param em in a transaction */
  async confirm(em: EntityManager, user: Owner, code: string): Promise<string[]> {
    const totp = await em.findOne(UserTotp, { ...keyOf(user), confirmTime: null });
    if (!totp) throw new AppError('FAILED_PRECONDITION', 'TOTP_NOT_ENROLLED', 'Enroll an authenticator app first.');
    const lastStep = matchingStep(this.#secretOf(totp, user).bytes, code, Date.now(), totp.lastStep);
    if (lastStep === undefined) {
      const description = 'is not the current code';
      throw invalidArgument([{ field: 'confirmation.code', reason: 'CODE_WRONG', description }]);
    }
    // The code is of this secret, and not of one that was enrolled meanwhile.
    const open = { ...keyOf(user), confirmTime: null, sealedSecret: totp.sealedSecret };
    if ((await em.nativeUpdate(UserTotp, open, { confirmTime: new Date(), lastStep })) === 0) {
      throw new AppError('ABORTED', 'CONCURRENT_WRITE', 'A concurrent write changed the account. Try again.');
    }
    return this.renewRecoveryCodes(em, user);
  }

  /** Replaces all recovery codes with ten new ones. @param em in a transaction */
  async renewRecoveryCodes(em: EntityManager, user: Owner): Promise<string[]> {
    await em.nativeDelete(RecoveryCode, keyOf(user));
    const codes = Array.from({ length: recoveryCodes }, newRecoveryCode);
    const { current, currentId: hashKeyId } = this.keys.recoveryCodeKeys;
    await em.insertMany(
      RecoveryCode,
      codes.map((code) => ({ ...keyOf(user), hash: hashOf(current, user, code), hashKeyId })),
    );
    return codes;
  }

  /** Consumes a code of the app or a recovery code. False when it is wrong or was used. */
  async use(em: EntityManager, user: Owner, code: string): Promise<boolean> {
    const text = code.replaceAll(/[\s-]/g, '').toLowerCase();
    if (!/^\d{6}$/.test(text)) {
      const hashes = this.keys.recoveryCodeKeys.all.map((key) => hashOf(key, user, text));
      return (await em.nativeDelete(RecoveryCode, { ...keyOf(user), hash: { $in: hashes } })) === 1;
    }
    const totp = await em.findOne(
      UserTotp,
      { ...keyOf(user), confirmTime: { $ne: null } },
      { disableIdentityMap: true },
    );
    if (!totp) return false;
    const { bytes, isRetired } = this.#secretOf(totp, user);
    const step = matchingStep(bytes, text, Date.now(), totp.lastStep);
    if (!step) return false;
    // The secret of an app that was enrolled meanwhile stays.
    const { sealedSecret } = totp;
    const unused = { ...keyOf(user), lastStep: { $lt: step }, ...(isRetired && { sealedSecret }) };
    const renewed = isRetired ? { sealedSecret: this.#sealed(bytes, user) } : {};
    return (await em.nativeUpdate(UserTotp, unused, { lastStep: step, ...renewed })) === 1;
  }

  #sealed(secret: Buffer, user: Owner): Buffer {
    return encrypt(this.keys.totpKeys.current, secret, ownerText(user), layout);
  }

  #secretOf({ sealedSecret }: { sealedSecret: Uint8Array }, user: Owner): { bytes: Buffer; isRetired: boolean } {
    return decryptByAny(this.keys.totpKeys, Buffer.from(sealedSecret), ownerText(user), layout);
  }
}

/** Id of the secret that the app's secret is encrypted under. */
export function totpKeyId(
  { totpKeys }: AccountKeys,
  { tenantId, userId, sealedSecret }: Pick<UserTotp, 'tenantId' | 'userId' | 'sealedSecret'>,
): string {
  return keyIdOf(totpKeys, Buffer.from(sealedSecret), ownerText({ tenantId, id: userId }), layout);
}

function hashOf(key: Buffer, user: Owner, code: string): Buffer {
  return hmac(key)
    .update(`${ownerText(user)} ${code.replaceAll('-', '')}`)
    .digest();
}

/** Deletes the authenticator app and the recovery codes of a user. */
export async function removeSecondFactor(em: EntityManager, user: Owner): Promise<void> {
  await em.nativeDelete(UserTotp, keyOf(user));
  await em.nativeDelete(RecoveryCode, keyOf(user));
}

/** Which of the users have two-factor authentication enabled. */
export async function usersWithSecondFactor(em: EntityManager, userIds: string[]): Promise<ReadonlySet<string>> {
  const found = await em.find(UserTotp, { userId: { $in: userIds }, confirmTime: { $ne: null } });
  return new Set(found.map(({ userId }) => userId));
}

/** 50 random bits, such as `k4f2q-9wx7m`. */
function newRecoveryCode(): string {
  const text = base32(randomBytes(7)).toLowerCase();
  return `${text.slice(0, 5)}-${text.slice(5, 10)}`;
}

function keyOf({ tenantId, id }: Owner): { tenantId: string; userId: string } {
  return { tenantId, userId: id };
}

function ownerText({ tenantId, id }: Owner): string {
  return `${tenantId} ${id}`;
}
