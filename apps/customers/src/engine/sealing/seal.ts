import { AsyncLocalStorage } from 'node:async_hooks';
import { maskText } from '@rapport/contracts';
import { AppError, hmac } from '@rapport/platform';
import { keyIdOf, openJson, sealedTextsOf, type DataKey } from './data-key.js';
import { KeyIds, keyOf, newKey } from './new-keys.js';
import { lost, type FormerKeys, type SubjectKeys, type TenantKeys } from './subject-keys.js';

/** Most keys that one call caches, about 4 MiB: an export reads the records of a whole tenant. */
const maxKeys = 20_000;

/**
 * The keys that one call uses to encrypt (seal) and decrypt (open) the personal data of its tenant. Only methods that return a
 * promise wait for the key database. The keys that were used last stay available: at least those of the last `load` and of the
 * last `prepare`, and up to 20,000 of each.
 */
export class Seal {
  /** By key id, the least recently used first; null for a key that was destroyed. */
  readonly #keys = new Map<string, DataKey | null>();
  /** The key that seals new data, by customer id, the least recently used first. */
  readonly #current = new Map<string, DataKey>();
  /** Of the keys for subjects that this call has made up. */
  readonly #newIds = new KeyIds();
  #storesKeys = true;

  /** @param isComplete whether all personal data of the tenant is sealed */
  constructor(
    readonly tenantId: string,
    readonly isComplete: boolean,
    private readonly tenantKeys: TenantKeys,
    private readonly subjectKeys: SubjectKeys,
  ) {}

  /** Loads the keys that open the texts. */
  async load(sealedTexts: readonly string[]): Promise<void> {
    const missing = touch(this.#keys, sealedTexts.map(keyIdOf));
    if (missing.length === 0) return;
    for (const [id, key] of await this.subjectKeys.byIds(this.tenantId, missing)) this.#keys.set(id, key);
  }

  /**
   * From now on `prepare` and `renew` store no key, since what the call writes is rolled back. Not for imports: what they write and
   * read again may be sealed with more new keys than stay available.
   */
  storeNoKeys(): void {
    this.#storesKeys = false;
  }

  /** Loads the keys that seal new data of customers, and creates those that are missing. */
  async prepare(customerIds: readonly string[]): Promise<void> {
    const missing = touch(this.#current, customerIds);
    if (missing.length === 0) return;
    const { subjectKeys, tenantId } = this;
    this.#add(
      this.#storesKeys
        ? await subjectKeys.ofCustomers(tenantId, missing)
        : await subjectKeys.tryOfCustomers(tenantId, missing),
    );
  }

  /**
   * Creates keys for subjects whose ids this call has made up, so that no other call uses these keys. They are stored at
   * once: call `dropNew` when the transaction that stores their subjects rolls back.
   */
  async prepareNew(subjects: readonly string[]): Promise<void> {
    const missing = touch(this.#current, subjects);
    if (missing.length > 0) this.#add(await this.subjectKeys.createNew(this.tenantId, missing, this.#newIds));
  }

  /** How many keys `prepareNew` has created. */
  get newCount(): number {
    return this.#newIds.count;
  }

  /** Deletes the keys that `prepareNew` has created, of which nothing is stored. @param from all but so many, the first ones */
  async dropNew(from = 0): Promise<void> {
    // A step that is repeated may have the same subjects.
    for (const [subject, { id }] of this.#current) {
      if (!this.#newIds.has(id, from)) continue;
      this.#current.delete(subject);
      this.#keys.delete(id);
    }
    await this.subjectKeys.dropNew(this.tenantId, this.#newIds, from);
  }

  /**
   * Gives customers new keys, which seal their data from now on.
   *
   * @returns the former keys, which still open what they sealed
   */
  async renew(customerIds: readonly string[]): Promise<FormerKeys[]> {
    if (!this.#storesKeys) {
      this.#add(new Map(customerIds.map((id) => [id, keyOf(newKey(id))])));
      return this.subjectKeys.allOf(this.tenantId, customerIds);
    }
    const former = await this.subjectKeys.renew(this.tenantId, customerIds);
    for (const id of customerIds) this.#current.delete(id);
    await this.prepare(customerIds);
    return former;
  }

  /** Keys that seal new data, by subject. */
  #add(keys: ReadonlyMap<string, DataKey>): void {
    touch(
      this.#keys,
      Array.from(keys.values(), ({ id }) => id),
    );
    for (const [subject, key] of keys) {
      this.#keys.set(key.id, key);
      this.#current.set(subject, key);
    }
  }

  /** As `prepare`, and gives new keys to subjects whose keys were all destroyed: a former import had the same ids. */
  async prepareAnew(subjects: readonly string[]): Promise<void> {
    await this.prepare(subjects);
    const missing = [...new Set(subjects)].filter((id) => !this.#current.has(id));
    if (missing.length > 0) await this.renew(missing);
  }

  /** The key that seals data of a subject; undefined when it has none, or it was destroyed. */
  async currentKey(subject: string): Promise<DataKey | undefined> {
    const known = this.#current.get(subject);
    if (known) return known;
    return (await this.subjectKeys.inUse(this.tenantId, [subject])).get(subject);
  }

  /** Makes the key of a sealed text the one that seals new data of the customer. Call it while the customer's row is locked. */
  goOnWith(customerId: string, sealed: string): void {
    const key = this.#keys.get(keyIdOf(sealed));
    if (!key) return;
    touch(this.#current, [customerId]);
    this.#current.set(customerId, key);
  }

  /** @throws AppError NOT_FOUND CUSTOMER_ERASED when the customer's key was destroyed, as in a database restored from before its erasure */
  sealText(customerId: string, text: string): string {
    const key = this.#current.get(customerId);
    if (key) return key.seal(text);
    throw new AppError('NOT_FOUND', 'CUSTOMER_ERASED', 'The customer was erased.');
  }

  /** The text, or `maskText` when its key was destroyed. @throws AppError UNAVAILABLE KEYS_LOST when its key was not loaded */
  openText(sealed: string): string {
    return this.keyOf(sealed)?.open(sealed) ?? maskText;
  }

  /** The key of a sealed text; null when it was destroyed. @throws AppError UNAVAILABLE KEYS_LOST when it was not loaded */
  keyOf(sealed: string): DataKey | null {
    const key = this.#keys.get(keyIdOf(sealed));
    if (key === undefined) throw lost();
    return key;
  }

  /** Whether the key of a sealed text is loaded. */
  knows(sealed: string): boolean {
    return this.#keys.has(keyIdOf(sealed));
  }

  /** Whether the key of a sealed text was destroyed. */
  isDestroyed(sealed: string): boolean {
    return this.#keys.get(keyIdOf(sealed)) === null;
  }

  /** Decrypts the sealed texts in a JSON text. A text that only looks sealed stays unchanged. */
  async openJson(json: string): Promise<string> {
    const sealed = sealedTextsOf(json);
    if (sealed.length === 0) return json;
    await this.load(sealed);
    return openJson(json, (text) => (this.knows(text) ? this.openText(text) : undefined));
  }

  /** A blind index of a value: a keyed hash that is the same for equal values of one tenant, 32 characters of base64url. */
  blind(purpose: string, value: string): string {
    const text = JSON.stringify([purpose, value]);
    return hmac(this.tenantKeys.index).update(text).digest('base64url').slice(0, 32);
  }

  /** The HMAC key for hashes of personal data. */
  get hashKey(): Buffer {
    return this.tenantKeys.index;
  }
}

/**
 * Marks keys as used, and evicts those used least recently to make room for the ones that are missing.
 *
 * @returns the ids of the missing keys, each once
 */
function touch<Key>(keys: Map<string, Key>, ids: readonly string[]): string[] {
  const wanted = new Set(ids);
  const missing = [...wanted].filter((id) => {
    const key = keys.get(id);
    if (key === undefined) return true;
    keys.delete(id);
    keys.set(id, key);
    return false;
  });
  const most = Math.max(maxKeys, wanted.size) - missing.length;
  for (const id of keys.keys()) {
    if (keys.size <= most) break;
    keys.delete(id);
  }
  return missing;
}

const seals = new AsyncLocalStorage<Seal>();

/** The seal of the current call; undefined for a tenant whose personal data is not encrypted. */
export function currentSeal(): Seal | undefined {
  return seals.getStore();
}

/** The seal of the current call. @throws Error when the call has none, which is a programming error */
export function requiredSeal(): Seal {
  const seal = currentSeal();
  if (!seal) throw new Error('The call has no keys for encrypted data.');
  return seal;
}

export function withSeal<Result>(seal: Seal | undefined, work: () => Result): Result {
  return seal ? seals.run(seal, work) : work();
}
