import { createHmac, randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AppError, decrypt, encrypt, invalidArgument } from '@rapport/platform';
import { AccountKeys } from '../storage/account-keys.js';
import type { UserAccount } from '../storage/user-account.entity.js';
import { RecoveryCode, UserTotp } from '../storage/user-totp.entity.js';
import { base32, matchingStep } from './totp.js';

type Owner = Pick<UserAccount, 'tenantId' | 'id'>;

/** As long as the output of SHA-1, which RFC 4226 recommends. */
const secretBytes = 20;
const recoveryCodes = 10;
/** Stored secrets have this layout. */
const layout = { tagFirst: true };

/** The authenticator apps and recovery codes of users. Each code is good once, however many use it at the same time. */
@Injectable()
export class SecondFactor {
  constructor(private readonly keys: AccountKeys) {}

  async isOn(em: EntityManager, user: Owner): Promise<boolean> {
    return (await usersWithSecondFactor(em, [user.id])).has(user.id);
  }

  /** Makes a secret that does not count until it is confirmed. */
  async enroll(em: EntityManager, user: Owner): Promise<Buffer> {
    if (await this.isOn(em, user)) {
      throw new AppError('FAILED_PRECONDITION', 'TWO_FACTOR_ON', 'There is a second factor. Switch it off first.');
    }
    const secret = randomBytes(secretBytes);
    const sealedSecret = encrypt(this.keys.totpKey, secret, ownerText(user), layout);
    await em.upsert(UserTotp, { ...keyOf(user), sealedSecret, confirmTime: null, lastStep: 0 });
    return secret;
  }

  /** Has a secret count, and answers recovery codes. In a transaction. */
  async confirm(em: EntityManager, user: Owner, code: string): Promise<string[]> {
    const totp = await em.findOne(UserTotp, { ...keyOf(user), confirmTime: null });
    if (!totp) throw new AppError('FAILED_PRECONDITION', 'TOTP_NOT_ENROLLED', 'Enroll an authenticator app first.');
    const lastStep = matchingStep(this.#secretOf(totp, user), code, Date.now(), totp.lastStep);
    if (lastStep === undefined) {
      const description = 'is not the code of now';
      throw invalidArgument([{ field: 'confirmation.code', reason: 'CODE_WRONG', description }]);
    }
    const open = { ...keyOf(user), confirmTime: null };
    if ((await em.nativeUpdate(UserTotp, open, { confirmTime: new Date(), lastStep })) === 0) {
      throw new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.');
    }
    return this.renewRecoveryCodes(em, user);
  }

  /** Ten codes in place of those of before. In a transaction. */
  async renewRecoveryCodes(em: EntityManager, user: Owner): Promise<string[]> {
    await em.nativeDelete(RecoveryCode, keyOf(user));
    const codes = Array.from({ length: recoveryCodes }, newRecoveryCode);
    await em.insertMany(
      RecoveryCode,
      codes.map((code) => ({ ...keyOf(user), hash: this.#hashOf(user, code) })),
    );
    return codes;
  }

  /** Uses up a code of the app, or a recovery code. False when it is none, or was used. */
  async use(em: EntityManager, user: Owner, code: string): Promise<boolean> {
    const text = code.replaceAll(/[\s-]/g, '').toLowerCase();
    if (!/^\d{6}$/.test(text)) {
      return (await em.nativeDelete(RecoveryCode, { ...keyOf(user), hash: this.#hashOf(user, text) })) === 1;
    }
    const totp = await em.findOne(
      UserTotp,
      { ...keyOf(user), confirmTime: { $ne: null } },
      { disableIdentityMap: true },
    );
    const step = totp && matchingStep(this.#secretOf(totp, user), text, Date.now(), totp.lastStep);
    if (!step) return false;
    const unused = { ...keyOf(user), lastStep: { $lt: step } };
    return (await em.nativeUpdate(UserTotp, unused, { lastStep: step })) === 1;
  }

  #secretOf({ sealedSecret }: { sealedSecret: Uint8Array }, user: Owner): Buffer {
    return decrypt(this.keys.totpKey, Buffer.from(sealedSecret), ownerText(user), layout);
  }

  #hashOf(user: Owner, code: string): Buffer {
    const text = `${ownerText(user)} ${code.replaceAll('-', '')}`;
    return createHmac('sha256', this.keys.recoveryCodeKey).update(text).digest();
  }
}

/** Forgets app and recovery codes. */
export async function forgetSecondFactor(em: EntityManager, user: Owner): Promise<void> {
  await em.nativeDelete(UserTotp, keyOf(user));
  await em.nativeDelete(RecoveryCode, keyOf(user));
}

/** Those of the users who sign in with a code besides the password. */
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
