import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { AppError, callContext } from '@rapport/platform';
import { sealedTextsOf } from './data-key.js';
import { Seal, withSeal } from './seal.js';
import { sealMissing } from './sealed-messages.js';
import type { SubjectKeys } from './subject-keys.js';

/** Tenants of which a process knows at a time whether they are encrypted. */
const maxKnown = 100_000;

interface State {
  isOn: boolean;
  isComplete: boolean;
  untilMs: number;
}

const registered = new WeakMap<object, Sealing>();

/** What a change has of a record, as JSON. */
interface ChangedValues {
  tenant_id: string;
  before: string | null;
  after: string | null;
}

/** Knows which tenants have their personal data encrypted, and has the keys for it. One for each database in a process. */
export class Sealing {
  readonly #states = new Map<string, State>();

  /**
   * @param keys undefined when no database of keys is configured
   * @param stalenessMs how long the process takes a tenant for one that is not encrypted after it has looked
   */
  constructor(
    readonly keys?: SubjectKeys,
    readonly stalenessMs = 1_000,
  ) {}

  static of(em: EntityManager): Sealing {
    const connection = em.getConnection();
    let sealing = registered.get(connection);
    if (!sealing) registered.set(connection, (sealing = new Sealing()));
    return sealing;
  }

  /** From now on it is that of all who work on the database of `em`. */
  registerFor(em: EntityManager): this {
    registered.set(em.getConnection(), this);
    return this;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.keys?.close();
  }

  /** Whether it is known without a look that a tenant is not encrypted. */
  isKnownOff(tenantId: string): boolean {
    const state = this.#states.get(tenantId);
    return state !== undefined && !state.isOn && state.untilMs > Date.now();
  }

  /**
   * Runs the handler of a call, with the keys of the caller's tenant at hand when its personal data is encrypted.
   *
   * @param em of the tenant's session
   */
  async run<Answer>(em: EntityManager, handle: () => Promise<Answer>): Promise<Answer> {
    const { tenantId } = callContext.getStore()?.caller ?? {};
    if (tenantId === undefined) return handle();
    try {
      if (this.isKnownOff(tenantId)) return await handle();
      return await withSeal(await this.sealOf(em, tenantId), handle);
    } catch (error) {
      if (!isRefused(error)) throw error;
      this.forget(tenantId);
      throw sealMissing();
    }
  }

  /** What a call of a tenant seals with; undefined when the tenant is not encrypted. @throws AppError UNAVAILABLE */
  async sealOf(em: EntityManager, tenantId: string): Promise<Seal | undefined> {
    const { isOn, isComplete } = await this.#stateOf(em, tenantId);
    if (!isOn) return undefined;
    const keys = this.configuredKeys();
    return new Seal(tenantId, isComplete, await keys.tenantKeys(tenantId), keys);
  }

  /** @throws AppError UNAVAILABLE when the process has no database of keys */
  configuredKeys(): SubjectKeys {
    if (this.keys) return this.keys;
    throw new AppError('UNAVAILABLE', 'KEYS_NOT_CONFIGURED', 'The keys of personal data are not configured.', {
      retryAfterSeconds: 60,
    });
  }

  /** The tenant has just been encrypted, or is going to be. */
  forget(tenantId: string): void {
    this.#states.delete(tenantId);
  }

  /** Changes of any tenants with their values open. */
  async openEntries<Entry extends ChangedValues>(em: EntityManager, entries: readonly Entry[]): Promise<Entry[]> {
    const seals = new Map<string, Seal | undefined>();
    const opened: Entry[] = [];
    for (const entry of entries) {
      if (!hasSealed(entry.before) && !hasSealed(entry.after)) {
        opened.push(entry);
        continue;
      }
      if (!seals.has(entry.tenant_id)) seals.set(entry.tenant_id, await this.#freshSealOf(em, entry.tenant_id));
      const seal = seals.get(entry.tenant_id);
      const open = async (json: string | null) => (seal && json !== null ? seal.openJson(json) : json);
      opened.push({ ...entry, before: await open(entry.before), after: await open(entry.after) });
    }
    return opened;
  }

  /** What is sealed must not be told as it is, only because the process does not know yet that encryption was turned on. */
  async #freshSealOf(em: EntityManager, tenantId: string): Promise<Seal | undefined> {
    if (this.isKnownOff(tenantId)) this.forget(tenantId);
    return this.sealOf(em, tenantId);
  }

  async #stateOf(em: EntityManager, tenantId: string): Promise<State> {
    const known = this.#states.get(tenantId);
    if (known && (known.isComplete || known.untilMs > Date.now())) return known;
    const untilMs = Date.now() + this.stalenessMs;
    const [row] = await readForTenant<{ complete: boolean }>(em.fork({ session: tenantSession(tenantId) }), {
      name: 'encryption_of_tenant',
      sql: 'select complete_time is not null as complete from tenant_encryption where tenant_id = $1',
      values: [tenantId],
    });
    const state = { isOn: row !== undefined, isComplete: row?.complete ?? false, untilMs };
    if (this.#states.size >= maxKnown) this.#states.clear();
    this.#states.set(tenantId, state);
    return state;
  }
}

/**
 * Whether a row was refused by a policy `sealed_only`: the database takes nothing that is not sealed from the moment on in which
 * encryption is turned on.
 */
function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '42501' && error.message.includes('"sealed_only"');
}

function hasSealed(json: string | null): boolean {
  return json !== null && json.includes('\\u0001') && sealedTextsOf(json).length > 0;
}
