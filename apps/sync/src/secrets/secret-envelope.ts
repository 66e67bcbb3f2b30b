import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from '@rapport/platform';

const form = 1;
const keyBytes = 32;
/** A sealed key: 12 bytes of nonce, the key, 16 of tag. */
const wrappedBytes = keyBytes + 28;

/**
 * Seals secrets in envelopes: each under a key of its own, which is sealed under the master key (AES-256-GCM both). So the
 * master key meets nothing but random keys, and changing it means to seal those anew, not what they seal.
 */
export class SecretEnvelope {
  /** @param masterKey 32 bytes */
  constructor(private readonly masterKey: Buffer) {}

  /** @param owner whose secret it is: it can't be opened for anybody else */
  seal(secret: Buffer, owner: string): Buffer {
    const key = randomBytes(keyBytes);
    return Buffer.concat([Buffer.of(form), encrypt(this.masterKey, key, owner), encrypt(key, secret, owner)]);
  }

  /** @throws Error when it was sealed for another owner or under another master key, or was changed */
  open(sealed: Buffer, owner: string): Buffer {
    if (sealed[0] !== form) throw new Error('A sealed secret has a form that is not known.');
    const key = decrypt(this.masterKey, sealed.subarray(1, 1 + wrappedBytes), owner);
    return decrypt(key, sealed.subarray(1 + wrappedBytes), owner);
  }
}
