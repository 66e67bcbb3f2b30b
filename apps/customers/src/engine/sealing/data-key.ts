import type { KeyObject } from 'node:crypto';
import { decrypt, encrypt, hmac, secretOf } from '@rapport/platform';

/** Length of a data key: one half encrypts, the other derives nonces. */
export const dataKeyBytes = 64;

/**
 * First character of an encrypted ("sealed") text. After it come, in base64url, the id of the key, nonce, ciphertext
 * and tag.
 */
const mark = '\u0001';

/**
 * Sealed texts in JSON text, where the marker is written as an escape: key id, nonce and tag alone make 59 characters.
 */
const sealedInJson = /\\u0001([A-Za-z0-9_-]{59,})/g;

/** The key of one subject's personal data. */
export class DataKey {
  readonly #cipherKey: KeyObject;
  readonly #nonceKey: KeyObject;

  /** @param bytes 64 of them */
  constructor(
    readonly id: string,
    bytes: Buffer,
  ) {
    this.#cipherKey = secretOf(bytes.subarray(0, 32));
    this.#nonceKey = secretOf(bytes.subarray(32));
  }

  /**
   * The nonce is a keyed hash of the text. So equal texts of a subject have equal sealed forms, by which the change log detects
   * changes, and different texts do not share a nonce. The idea is that of synthetic IVs (RFC 5297).
   */
  seal(text: string): string {
    const plain = Buffer.from(text);
    const nonce = hmac(this.#nonceKey).update(plain).digest().subarray(0, 12);
    const keyId = Buffer.from(this.id.replaceAll('-', ''), 'hex');
    return mark + Buffer.concat([keyId, encrypt(this.#cipherKey, plain, this.id, { nonce })]).toString('base64url');
  }

  /** @param sealed by this key */
  open(sealed: string): string {
    return decrypt(this.#cipherKey, bytesOf(sealed).subarray(16), this.id).toString();
  }

  /**
   * Encrypts bytes, with 28 bytes of overhead and a random nonce. @param context additional authenticated data, needed
   * again to decrypt
   */
  sealBytes(bytes: Buffer, context: string): Buffer {
    return encrypt(this.#cipherKey, bytes, `${this.id} ${context}`);
  }

  /** @throws Error when another key or context encrypted the bytes */
  openBytes(sealed: Buffer, context: string): Buffer {
    return decrypt(this.#cipherKey, sealed, `${this.id} ${context}`);
  }
}

/** Whether a text is sealed. */
export function isSealed(text: string): boolean {
  return text.startsWith(mark) && /^[A-Za-z0-9_-]{59,}$/.test(text.slice(mark.length));
}

/** The id of the key that a text is sealed with. @throws Error when it is not sealed */
export function keyIdOf(sealed: string): string {
  if (!isSealed(sealed)) throw new Error('A text that should be sealed is not.');
  const hex = bytesOf(sealed).toString('hex', 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The sealed texts in a JSON text. */
export function sealedTextsOf(json: string): string[] {
  return Array.from(json.matchAll(sealedInJson), ([, sealed]) => mark + sealed);
}

/** Replaces the sealed texts in a JSON text by the results of `open`. A text stays as it is if the result is undefined. */
export function openJson(json: string, open: (sealed: string) => string | undefined): string {
  return json.replace(sealedInJson, (written, sealed: string) => {
    const text = open(mark + sealed);
    return text === undefined ? written : JSON.stringify(text).slice(1, -1);
  });
}

function bytesOf(sealed: string): Buffer {
  return Buffer.from(sealed.slice(mark.length), 'base64url');
}
