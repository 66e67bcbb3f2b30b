import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const form = 1;
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const wrappedBytes = ivBytes + tagBytes + keyBytes;

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

/** Initialisation vector, tag, ciphertext. */
function encrypt(key: Buffer, text: Buffer, owner: string): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner));
  const encrypted = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), encrypted]);
}

function decrypt(key: Buffer, sealed: Buffer, owner: string): Buffer {
  const [iv, tag] = [sealed.subarray(0, ivBytes), sealed.subarray(ivBytes, ivBytes + tagBytes)];
  const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner)).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]);
}
