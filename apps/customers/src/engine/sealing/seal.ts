import { createHmac } from 'node:crypto';
import { AsyncLocalStorage } from 'node:async_hooks';
import { maskText } from '@rapport/contracts';
import { AppError } from '@rapport/platform';
import { keyIdOf, openJson, sealedTextsOf, type DataKey } from './data-key.js';
import { lost, type FormerKeys, type SubjectKeys, type TenantKeys } from './subject-keys.js';

/** Keys of one call before it forgets those of what it has read: an export reads all there are. */
const maxKeys = 20_000;

/** The keys with which one call seals and opens the personal data of its tenant. Loading them is the part that waits. */
export class Seal {
  /** By their ids: null for one that was destroyed. */
  readonly #keys = new Map<string, DataKey | null>();
  /** Those that customers are sealed with from now on. */
  readonly #current = new Map<string, DataKey>();

  /** @param isComplete whether nothing of the tenant is left that is not sealed */
  constructor(
    readonly tenantId: string,
    readonly isComplete: boolean,
    private readonly tenantKeys: TenantKeys,
    private readonly subjectKeys: SubjectKeys,
  ) {}

  /** Loads the keys that texts are sealed with. */
  async load(sealedTexts: readonly string[]): Promise<void> {
    if (this.#keys.size > maxKeys) {
      this.#keys.clear();
      this.#current.clear();
    }
    const ids = [...new Set(sealedTexts.map(keyIdOf))].filter((id) => !this.#keys.has(id));
    if (ids.length === 0) return;
    for (const [id, key] of await this.subjectKeys.byIds(this.tenantId, ids)) this.#keys.set(id, key);
  }

  /** Has the keys of customers at hand with which they are sealed. */
  async prepare(customerIds: readonly string[]): Promise<void> {
    const missing = customerIds.filter((id) => !this.#current.has(id));
    if (missing.length === 0) return;
    const keys = await this.subjectKeys.ofCustomers(this.tenantId, missing);
    for (const [customerId, key] of keys) {
      this.#keys.set(key.id, key);
      this.#current.set(customerId, key);
    }
  }

  /** Gives customers new keys, with which they are sealed from now on. */
  async renew(customerIds: readonly string[]): Promise<FormerKeys[]> {
    const former = await this.subjectKeys.renew(this.tenantId, customerIds);
    for (const id of customerIds) this.#current.delete(id);
    await this.prepare(customerIds);
    return former;
  }

  /** The key that a customer's row was sealed with, under the lock of the row, is the one to go on with. */
  goOnWith(customerId: string, sealed: string): void {
    const key = this.#keys.get(keyIdOf(sealed));
    if (key) this.#current.set(customerId, key);
  }

  /** @throws AppError NOT_FOUND when the customer's key was destroyed: in a database that is older than its erasure */
  sealText(customerId: string, text: string): string {
    const key = this.#current.get(customerId);
    if (key) return key.seal(text);
    throw new AppError('NOT_FOUND', 'CUSTOMER_ERASED', 'The customer was erased.');
  }

  /** The text, or `maskText` when its key was destroyed. The key was loaded. */
  openText(sealed: string): string {
    const key = this.#keys.get(keyIdOf(sealed));
    if (key) return key.open(sealed);
    if (key === null) return maskText;
    throw lost();
  }

  /** Whether the key of a sealed text is at hand. */
  knows(sealed: string): boolean {
    return this.#keys.has(keyIdOf(sealed));
  }

  /** Whether the key of a sealed text was destroyed. */
  isDestroyed(sealed: string): boolean {
    return this.#keys.get(keyIdOf(sealed)) === null;
  }

  /** A JSON text with what is sealed in it open. A text that only looks sealed stays. */
  async openJson(json: string): Promise<string> {
    const sealed = sealedTextsOf(json);
    if (sealed.length === 0) return json;
    await this.load(sealed);
    return openJson(json, (text) => (this.knows(text) ? this.openText(text) : undefined));
  }

  /** What stands for a value where equal ones must be found: the same for the same value, of this tenant only. */
  blind(purpose: string, value: string): string {
    const text = JSON.stringify([purpose, value]);
    return createHmac('sha256', this.tenantKeys.index).update(text).digest('base64url').slice(0, 32);
  }

  /** The key of hashes that must not tell what was hashed. */
  get hashKey(): Buffer {
    return this.tenantKeys.index;
  }
}

const seals = new AsyncLocalStorage<Seal>();

/** What the call that is being answered seals with; undefined for a tenant whose personal data is not encrypted. */
export function currentSeal(): Seal | undefined {
  return seals.getStore();
}

/** The seal of the call. Throws where nothing can be sealed, which is a programmer's error. */
export function requiredSeal(): Seal {
  const seal = currentSeal();
  if (!seal) throw new Error('Something is sealed, and the call has no keys.');
  return seal;
}

export function withSeal<Result>(seal: Seal | undefined, work: () => Result): Result {
  return seal ? seals.run(seal, work) : work();
}
