import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { secretOf } from './secret-key.js';

const nonceBytes = 12;
const tagBytes = 16;

/** The order of the parts of an encrypted value. It is fixed once values are stored: released formats stay readable. */
export interface GcmLayout {
  /** True for nonce, tag, ciphertext. Otherwise nonce, ciphertext, tag. */
  tagFirst?: boolean;
}

/**
 * Encrypts with AES-256-GCM (NIST SP 800-38D): a nonce of 96 bits, a tag of 128 bits.
 *
 * @param key 32 bytes
 * @param context associated data, which decryption must repeat
 * @param options the nonce (12 bytes, random when absent: never use one nonce for two texts) and the layout
 * @returns nonce, ciphertext and tag: 28 bytes more than `plain`
 */
export function encrypt(
  key: Buffer | KeyObject,
  plain: Buffer,
  context: string,
  { nonce = randomBytes(nonceBytes), tagFirst = false }: GcmLayout & { nonce?: Buffer } = {},
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', secretOf(key), nonce, { authTagLength: tagBytes }).setAAD(
    Buffer.from(context),
  );
  const ciphertext = [cipher.update(plain), cipher.final()];
  const tag = cipher.getAuthTag();
  return Buffer.concat(tagFirst ? [nonce, tag, ...ciphertext] : [nonce, ...ciphertext, tag]);
}

/** Decrypts the result of `encrypt`. @throws Error when it is another text, or the key, context or layout differs */
export function decrypt(
  key: Buffer | KeyObject,
  sealed: Buffer,
  context: string,
  { tagFirst = false }: GcmLayout = {},
): Buffer {
  const nonce = sealed.subarray(0, nonceBytes);
  const rest = sealed.subarray(nonceBytes);
  const [tag, ciphertext] = tagFirst
    ? [rest.subarray(0, tagBytes), rest.subarray(tagBytes)]
    : [rest.subarray(-tagBytes), rest.subarray(0, -tagBytes)];
  const decipher = createDecipheriv('aes-256-gcm', secretOf(key), nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
