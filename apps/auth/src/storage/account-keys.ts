import { hkdfSync } from 'node:crypto';

/** Keys of 32 bytes that are derived from one secret, each for one use. */
export class AccountKeys {
  /** Encrypts secrets of authenticator apps. */
  readonly totpKey: Buffer;
  /** Hashes recovery codes: they are too short to be safe without a key. */
  readonly recoveryCodeKey: Buffer;
  /** Hides whose attempts are counted. */
  readonly throttleKey: Buffer;

  /** @param secret 32 bytes */
  constructor(secret: Buffer) {
    const derive = (use: string) => Buffer.from(hkdfSync('sha256', secret, '', `rapport ${use}`, 32));
    this.totpKey = derive('totp secret');
    this.recoveryCodeKey = derive('recovery code');
    this.throttleKey = derive('throttle');
  }
}
