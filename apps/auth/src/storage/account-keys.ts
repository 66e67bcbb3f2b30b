import { hkdfSync } from 'node:crypto';

/** Keys of 32 bytes, one for each purpose, derived from one secret with HKDF. */
export class AccountKeys {
  /** Encrypts the secrets of authenticator apps. */
  readonly totpKey: Buffer;
  /** Keys the hashes of recovery codes: at 50 bits, unkeyed hashes of them could be reversed. */
  readonly recoveryCodeKey: Buffer;
  /** Keys the hashes of throttled subjects, so that the table holds no addresses. */
  readonly throttleKey: Buffer;

  /** @param secret 32 bytes */
  constructor(secret: Buffer) {
    const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `rapport ${purpose}`, 32));
    this.totpKey = derive('totp secret');
    this.recoveryCodeKey = derive('recovery code');
    this.throttleKey = derive('throttle');
  }
}
