import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm.js';

/** A key wrapped (encrypted) by a master key, and the id of that master key. */
export interface WrappedKey {
  wrapped: Buffer;
  /** 16 hexadecimal digits. */
  masterKeyId: string;
}

/** The current master key, and earlier ones that still unwrap. */
export class MasterKeys {
  readonly #keys = new Map<string, KeyObject>();
  /** Id of the current master key. */
  readonly currentId: string;

  /**
   * @param current 32 bytes
   * @param retired 32 bytes each
   */
  constructor(current: Buffer, retired: readonly Buffer[] = []) {
    for (const key of retired) this.#keys.set(idOf(key), createSecretKey(key));
    this.currentId = idOf(current);
    this.#keys.set(this.currentId, createSecretKey(current));
  }

  /** Ids of all of them, the current one first. */
  get ids(): string[] {
    return [this.currentId, ...[...this.#keys.keys()].filter((id) => id !== this.currentId)];
  }

  /** @param owner of the key, authenticated with it: unwrapping for another owner fails */
  wrap(bytes: Buffer, owner: string): WrappedKey {
    return { wrapped: encrypt(this.#key(this.currentId), bytes, owner), masterKeyId: this.currentId };
  }

  /** @throws Error when none of these master keys wrapped it, or for another owner */
  unwrap({ wrapped, masterKeyId }: WrappedKey, owner: string): Buffer {
    return decrypt(this.#key(masterKeyId), wrapped, owner);
  }

  #key(id: string): KeyObject {
    const key = this.#keys.get(id);
    if (!key) throw new Error(`The master key ${id} is not configured.`);
    return key;
  }
}

function idOf(key: Buffer): string {
  return createHash('sha256').update('rapport-master-key').update(key).digest('hex').slice(0, 16);
}
