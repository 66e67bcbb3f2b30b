import { hkdfSync } from 'node:crypto';
import type { KeyRing } from '@rapport/platform';

/** Keys of 32 bytes, for each purpose derived from the same secrets with HKDF. */
export class AccountKeys {
  /** Encrypt the secrets of authenticator apps. */
  readonly totpKeys: KeyRing;
  /** Key the hashes of recovery codes: at 50 bits, unkeyed hashes of them could be reversed. */
  readonly recoveryCodeKeys: KeyRing;
  /** Keys the hashes of throttled subjects, so that the table holds no addresses. A changed secret forgets the attempts of the last minutes. */
  readonly throttleKey: Buffer;

  constructor(secrets: KeyRing) {
    const derive = (purpose: string) =>
      secrets.derive((secret) => Buffer.from(hkdfSync('sha256', secret, '', `rapport ${purpose}`, 32)));
    this.totpKeys = derive('totp secret');
    this.recoveryCodeKeys = derive('recovery code');
    this.throttleKey = derive('throttle').current;
  }
}
