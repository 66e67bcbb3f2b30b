import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { AppError, callContext } from '@rapport/platform';
import { sealedTextsOf } from './data-key.js';
import { Seal, withSeal } from './seal.js';
import { sealMissing } from './sealed-messages.js';
import type { SubjectKeys } from './subject-keys.js';

/** Most tenants whose encryption state a process caches. */
const maxKnown = 100_000;

interface State {
  isOn: boolean;
  isComplete: boolean;
  untilMs: number;
}

const registered = new WeakMap<object, Sealing>();

/** The values of a change, as JSON. */
interface ChangedValues {
  tenant_id: string;
  before: string | null;
  after: string | null;
}

/** The encryption state of tenants, and access to their keys. One for each database in a process. */
export class Sealing {
  readonly #states = new Map<string, State>();

  /**
   * @param keys undefined when no database of keys is configured
   * @param stalenessMs how long the process caches that a tenant is not encrypted, in milliseconds
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

  /** Makes this the result of `Sealing.of` for the database of `em`. */
  registerFor(em: EntityManager): this {
    registered.set(em.getConnection(), this);
    return this;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.keys?.close();
  }

  /** Whether the cache says that a tenant is not encrypted. */
  isKnownOff(tenantId: string): boolean {
    const state = this.#states.get(tenantId);
    return state !== undefined && !state.isOn && state.untilMs > Date.now();
  }

  /**
   * Runs the handler of a call, with a seal if the caller's tenant is encrypted.
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

  /** A new seal of a tenant; undefined when the tenant is not encrypted. @throws AppError UNAVAILABLE when its keys cannot be read */
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

  /** Drops the cached state of a tenant whose encryption has changed. */
  forget(tenantId: string): void {
    this.#states.delete(tenantId);
  }

  /** Opens the values of changes, which may be of several tenants. */
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

  /** Ignores a cached state that says the tenant is not encrypted, so that sealed values never reach a reader. */
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

/** Whether a policy `sealed_only` rejected a plain row, since encryption was enabled after the call had started. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '42501' && error.message.includes('"sealed_only"');
}

function hasSealed(json: string | null): boolean {
  return json !== null && json.includes('\\u0001') && sealedTextsOf(json).length > 0;
}
