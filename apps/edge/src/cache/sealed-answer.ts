import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts an answer with AES-256-GCM.
 *
 * @param key 32 bytes
 * @param place where it is kept, and nowhere else
 * @returns nonce, ciphertext and tag
 */
export function sealAnswer(key: Buffer, body: Buffer, place: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
  return Buffer.concat([nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
}

/** What `sealAnswer` was given; undefined when it was another key, such as that of an edge of before. */
export function openAnswer(key: Buffer, sealed: Buffer, place: string): Buffer | undefined {
  const nonce = sealed.subarray(0, nonceBytes);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      .setAAD(Buffer.from(place))
      .setAuthTag(sealed.subarray(-tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}
