import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, type MasterKeys, type WrappedKey } from '@rapport/platform';

const form = 1;
const keyBytes = 32;
/** Version byte of the format, and the id of the master key. */
const headBytes = 1 + 8;
/** A sealed key: 12 bytes of nonce, the key, 16 bytes of tag. */
const wrappedBytes = keyBytes + 28;

/**
 * Envelope encryption of secrets (AES-256-GCM): each secret has a key of its own, which the master key seals. So the
 * master key encrypts random keys only, and rotating it reseals these keys, not the secrets.
 */
export class SecretEnvelope {
  /** Prefix of everything that is sealed under the current master key. */
  readonly head: Buffer;

  constructor(private readonly masterKeys: MasterKeys) {
    this.head = headOf(masterKeys.currentId);
  }

  /** @param owner is authenticated: a secret opens for the same owner only */
  seal(secret: Buffer, owner: string): Buffer {
    const key = randomBytes(keyBytes);
    return assemble(this.masterKeys.wrap(key, owner), encrypt(key, secret, owner));
  }

  /** @throws Error for another owner, an unknown master key, or modified bytes */
  open(sealed: Buffer, owner: string): Buffer {
    const key = this.masterKeys.unwrap(wrappedKeyOf(sealed), owner);
    return decrypt(key, sealed.subarray(headBytes + wrappedBytes), owner);
  }

  /** The same envelope under the current master key; unchanged when it is under it already. @throws Error as `open` */
  renew(sealed: Buffer, owner: string): Buffer {
    const former = wrappedKeyOf(sealed);
    if (former.masterKeyId === this.masterKeys.currentId) return sealed;
    const wrapped = this.masterKeys.wrap(this.masterKeys.unwrap(former, owner), owner);
    return assemble(wrapped, sealed.subarray(headBytes + wrappedBytes));
  }
}

function assemble({ wrapped, masterKeyId }: WrappedKey, encrypted: Buffer): Buffer {
  return Buffer.concat([headOf(masterKeyId), wrapped, encrypted]);
}

function headOf(masterKeyId: string): Buffer {
  return Buffer.concat([Buffer.of(form), Buffer.from(masterKeyId, 'hex')]);
}

function wrappedKeyOf(sealed: Buffer): WrappedKey {
  if (sealed[0] !== form) throw new Error('A sealed secret has an unknown format.');
  return {
    masterKeyId: sealed.toString('hex', 1, headBytes),
    wrapped: sealed.subarray(headBytes, headBytes + wrappedBytes),
  };
}
