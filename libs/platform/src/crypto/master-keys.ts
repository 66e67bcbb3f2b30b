import { createHash } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm.js';

/** A key that is encrypted by a master key, and by which. */
export interface WrappedKey {
  wrapped: Buffer;
  /** 16 hexadecimal digits. */
  masterKeyId: string;
}

/** The key that wraps others, and those that did before it. */
export class MasterKeys {
  readonly #keys = new Map<string, Buffer>();
  /** Of the key that wraps from now on. */
  readonly currentId: string;

  /**
   * @param current 32 bytes
   * @param retired 32 bytes each
   */
  constructor(current: Buffer, retired: readonly Buffer[] = []) {
    for (const key of retired) this.#keys.set(idOf(key), key);
    this.currentId = idOf(current);
    this.#keys.set(this.currentId, current);
  }

  /** @param owner whose key it is: it can't be unwrapped for anybody else */
  wrap(bytes: Buffer, owner: string): WrappedKey {
    return { wrapped: encrypt(this.#key(this.currentId), bytes, owner), masterKeyId: this.currentId };
  }

  /** @throws Error when it was wrapped by none of these keys, or for another owner */
  unwrap({ wrapped, masterKeyId }: WrappedKey, owner: string): Buffer {
    return decrypt(this.#key(masterKeyId), wrapped, owner);
  }

  #key(id: string): Buffer {
    const key = this.#keys.get(id);
    if (!key) throw new Error(`The master key ${id} is not among those that are configured.`);
    return key;
  }
}

function idOf(key: Buffer): string {
  return createHash('sha256').update('rapport-master-key').update(key).digest('hex').slice(0, 16);
}
