import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, type MasterKeys, type WrappedKey } from '@rapport/platform';

const form = 1;
const keyBytes = 32;
/** The form, and the id of the master key. */
const headBytes = 1 + 8;
/** A sealed key: 12 bytes of nonce, the key, 16 of tag. */
const wrappedBytes = keyBytes + 28;

/**
 * Seals secrets in envelopes: each under a key of its own, which is sealed under the master key (AES-256-GCM both). So the
 * master key meets nothing but random keys, and changing it means to seal those anew, not what they seal.
 */
export class SecretEnvelope {
  /** What is sealed under the present master key begins with it. */
  readonly head: Buffer;

  constructor(private readonly masterKeys: MasterKeys) {
    this.head = headOf(masterKeys.currentId);
  }

  /** @param owner whose secret it is: it can't be opened for anybody else */
  seal(secret: Buffer, owner: string): Buffer {
    const key = randomBytes(keyBytes);
    return assemble(this.masterKeys.wrap(key, owner), encrypt(key, secret, owner));
  }

  /** @throws Error when it was sealed for another owner or under a master key that is not known, or was changed */
  open(sealed: Buffer, owner: string): Buffer {
    const key = this.masterKeys.unwrap(wrappedKeyOf(sealed), owner);
    return decrypt(key, sealed.subarray(headBytes + wrappedBytes), owner);
  }

  /** The same envelope under the present master key: itself when it is so already. @throws Error as `open` */
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
  if (sealed[0] !== form) throw new Error('A sealed secret has a form that is not known.');
  return {
    masterKeyId: sealed.toString('hex', 1, headBytes),
    wrapped: sealed.subarray(headBytes, headBytes + wrappedBytes),
  };
}
