import { hkdfSync, randomBytes } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm, readForTenant, tenantSession, type Statement } from '@rapport/persistence';
import { AppError, decrypt, encrypt, type MasterKeys, type WrappedKey } from '@rapport/platform';
import { DataKey } from './data-key.js';
import { KeyCache } from './key-cache.js';
import { keysEntities } from './keys-database.js';
import { insertFirst, keyOf, newKey, type KeyIds, type NewKey } from './new-keys.js';

/** Keys derived from the root key of a tenant, 32 bytes each. */
export interface TenantKeys {
  /** Wraps the data keys of customers. */
  wrapping: Buffer;
  /** Makes blind indexes. */
  index: Buffer;
}

/** The former keys of a customer: all up to a generation. */
export interface FormerKeys {
  customerId: string;
  formerGeneration: number;
}

/** Most keys that one statement drops. */
const mostDropped = 10_000;

/** Greater than or equal to every generation. */
export const allGenerations = 2 ** 31 - 1;

interface KeyRow {
  id: string;
  customer_id: string;
  wrapped: Buffer | null;
}

const columns = 'id, customer_id, wrapped';

/**
 * The keys of personal data, in a separate database. Keep its backups separately and for a short time: restoring the customers must not
 * restore destroyed keys.
 */
export class SubjectKeys {
  readonly #logger = new Logger('SubjectKeys');
  readonly #orm: MikroORM;
  #isDown = false;
  readonly #tenants = new Map<string, TenantKeys>();
  readonly #cache = new KeyCache();

  /** @param databaseUrl as the app role */
  constructor(
    databaseUrl: string,
    private readonly masterKeys: MasterKeys,
  ) {
    // Needs its own context name: the default one is the EntityManager of the current call.
    this.#orm = createOrm({ databaseUrl, entities: keysEntities }, { contextName: 'keys' });
  }

  close(): Promise<void> {
    return this.#orm.close();
  }

  /** Creates the root key of a tenant, unless it has one. */
  async createTenant(tenantId: string): Promise<void> {
    const { wrapped, masterKeyId } = this.masterKeys.wrap(randomBytes(32), tenantId);
    await this.#run(tenantId, {
      name: 'create_tenant_key',
      sql: `insert into tenant_key (tenant_id, wrapped, master_key_id, create_time) values ($1, $2, $3, now())
        on conflict do nothing`,
      values: [tenantId, wrapped, masterKeyId],
    });
  }

  /** @throws AppError UNAVAILABLE KEYS_LOST when the tenant has no root key, KEYS_UNAVAILABLE when the database fails */
  async tenantKeys(tenantId: string): Promise<TenantKeys> {
    const known = this.#tenants.get(tenantId);
    if (known) return known;
    const [row] = await this.#run<{ wrapped: Buffer; master_key_id: string }>(tenantId, {
      name: 'tenant_key',
      sql: 'select wrapped, master_key_id from tenant_key where tenant_id = $1',
      values: [tenantId],
    });
    if (!row) throw lost();
    const root = this.#unwrapped({ wrapped: row.wrapped, masterKeyId: row.master_key_id }, tenantId);
    if (row.master_key_id !== this.masterKeys.currentId) await this.#rewrap(tenantId, root, row.master_key_id);
    const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', root, '', `rapport-${purpose}`, 32));
    const keys = { wrapping: derived('wrapping'), index: derived('index') };
    this.#tenants.set(tenantId, keys);
    return keys;
  }

  /** Keys by id: null for a destroyed key, no entry for an unknown one. */
  async byIds(tenantId: string, ids: readonly string[]): Promise<Map<string, DataKey | null>> {
    const { found, missing } = this.#cache.look(ids);
    if (missing.length === 0) return found;
    const { wrapping } = await this.tenantKeys(tenantId);
    const rows = await this.#run<KeyRow>(tenantId, {
      name: 'subject_keys',
      sql: `select ${columns} from subject_key where tenant_id = $1 and id = any ($2::uuid[])`,
      values: [tenantId, missing],
    });
    for (const row of rows) found.set(row.id, this.#read(row, wrapping));
    return found;
  }

  /** The current keys by customer id. Creates the first key of a customer. No entry for customers whose keys are all destroyed. */
  async ofCustomers(tenantId: string, customerIds: readonly string[]): Promise<Map<string, DataKey>> {
    const known = await this.inUse(tenantId, customerIds);
    const others = customerIds.filter((id) => !known.has(id));
    if (others.length === 0) return known;
    await this.#run(tenantId, insertFirst(tenantId, await this.#wrapped(tenantId, others.map(newKey)), 'is ignored'));
    // If two calls create the first key of a customer at once, both get the key of the first.
    for (const [customerId, key] of await this.inUse(tenantId, others)) known.set(customerId, key);
    return known;
  }

  /** As `ofCustomers`, but the first keys of customers are not stored. */
  async tryOfCustomers(tenantId: string, customerIds: readonly string[]): Promise<Map<string, DataKey>> {
    const known = await this.inUse(tenantId, customerIds);
    const others = customerIds.filter((id) => !known.has(id));
    if (others.length === 0) return known;
    const rows = await this.#run<{ customer_id: string }>(tenantId, {
      name: 'subjects_of_destroyed_keys',
      sql: 'select distinct customer_id from subject_key where tenant_id = $1 and customer_id = any ($2::uuid[])',
      values: [tenantId, others],
    });
    const erased = new Set(rows.map(({ customer_id }) => customer_id));
    for (const id of others) if (!erased.has(id)) known.set(id, keyOf(newKey(id)));
    return known;
  }

  /** Creates the first keys of subjects that no other call knows. */
  async createNew(tenantId: string, subjects: readonly string[], ids: KeyIds): Promise<Map<string, DataKey>> {
    const made = subjects.map((subject) => ({ ...newKey(subject), id: ids.next() }));
    await this.#run(tenantId, insertFirst(tenantId, await this.#wrapped(tenantId, made), 'fails'));
    return new Map(made.map((key) => [key.subject, keyOf(key)]));
  }

  /** Deletes keys that `createNew` has created. @param from index of the first one */
  async dropNew(tenantId: string, ids: KeyIds, from: number): Promise<void> {
    for (let start = from; start < ids.count; start += mostDropped) {
      const end = Math.min(start + mostDropped, ids.count);
      await this.#run(tenantId, {
        name: 'drop_subject_keys',
        sql: 'delete from subject_key where tenant_id = $1 and id >= $2 and id <= $3',
        values: [tenantId, ids.at(start), ids.at(end - 1)],
      });
    }
  }

  /** The current keys by customer id. No entry for customers without one. */
  async inUse(tenantId: string, customerIds: readonly string[]): Promise<Map<string, DataKey>> {
    const { wrapping } = await this.tenantKeys(tenantId);
    const rows = await this.#run<KeyRow>(tenantId, {
      name: 'subject_keys_in_use',
      sql: `select distinct on (customer_id) ${columns} from subject_key
        where tenant_id = $1 and customer_id = any ($2::uuid[]) and destroy_time is null
        order by customer_id, generation desc`,
      values: [tenantId, customerIds],
    });
    return new Map(
      rows.flatMap((row): [string, DataKey][] => {
        const key = this.#read(row, wrapping);
        return key ? [[row.customer_id, key]] : [];
      }),
    );
  }

  /** Creates new keys for customers. @returns the former keys, which still open what they sealed until they are destroyed */
  async renew(tenantId: string, customerIds: readonly string[]): Promise<FormerKeys[]> {
    const records = await this.#wrapped(tenantId, customerIds.map(newKey));
    const rows = await this.#run<{ customer_id: string; generation: number }>(tenantId, {
      name: 'renew_subject_keys',
      sql: `insert into subject_key (tenant_id, id, customer_id, generation, wrapped, create_time)
        select $1, made.id, made.customer_id, 1 + coalesce((
            select max(generation) from subject_key known where known.tenant_id = $1 and known.customer_id = made.customer_id
          ), 0), made.wrapped, now()
        from jsonb_to_recordset($2) as made (id uuid, customer_id uuid, wrapped bytea)
        order by made.customer_id returning customer_id, generation`,
      values: [tenantId, JSON.stringify(records)],
    });
    return rows.map(({ customer_id, generation }) => ({ customerId: customer_id, formerGeneration: generation - 1 }));
  }

  /** The keys of customers up to the newest, as `renew` returns them. */
  async allOf(tenantId: string, customerIds: readonly string[]): Promise<FormerKeys[]> {
    const rows = await this.#run<{ customer_id: string; generation: number }>(tenantId, {
      name: 'newest_subject_keys',
      sql: `select customer_id, max(generation) as generation from subject_key
        where tenant_id = $1 and customer_id = any ($2::uuid[]) group by customer_id`,
      values: [tenantId, customerIds],
    });
    return rows.map(({ customer_id, generation }) => ({ customerId: customer_id, formerGeneration: generation }));
  }

  /** Destroys the keys of a customer up to a generation. Data sealed with them cannot be read again, not even from a backup. */
  async destroy(tenantId: string, customerId: string, lastGeneration: number): Promise<void> {
    const rows = await this.#run<{ id: string }>(tenantId, {
      name: 'destroy_subject_keys',
      sql: `update subject_key set wrapped = null, destroy_time = now()
        where tenant_id = $1 and customer_id = $2 and generation <= $3 and destroy_time is null returning id`,
      values: [tenantId, customerId, lastGeneration],
    });
    for (const { id } of rows) this.#cache.put(id, null);
  }

  /**
   * Destroys up to a number of keys of a closed tenant, and finally its root key.
   *
   * @returns the number of destroyed keys
   */
  async removeTenant(tenantId: string, most: number): Promise<number> {
    const removed = await this.#run<{ id: string }>(tenantId, {
      name: 'remove_subject_keys',
      sql: `delete from subject_key where tenant_id = $1 and id = any (array(
        select id from subject_key where tenant_id = $1 limit $2)) returning id`,
      values: [tenantId, most],
    });
    for (const { id } of removed) this.#cache.put(id, null);
    if (removed.length > 0) return removed.length;
    this.#tenants.delete(tenantId);
    const roots = await this.#run(tenantId, {
      name: 'remove_tenant_key',
      sql: 'delete from tenant_key where tenant_id = $1 returning tenant_id',
      values: [tenantId],
    });
    return roots.length;
  }

  /** New keys in the form that the statements expect. */
  async #wrapped(tenantId: string, made: readonly NewKey[]): Promise<object[]> {
    const { wrapping } = await this.tenantKeys(tenantId);
    return made.map(({ subject, id, bytes }) => {
      const wrapped = encrypt(wrapping, bytes, id);
      return { id, customer_id: subject, wrapped: `\\x${wrapped.toString('hex')}` };
    });
  }

  #read({ id, wrapped }: KeyRow, wrapping: Buffer): DataKey | null {
    const key = wrapped && new DataKey(id, decrypt(wrapping, wrapped, id));
    this.#cache.put(id, key);
    return key;
  }

  #unwrapped(wrapped: WrappedKey, tenantId: string): Buffer {
    try {
      return this.masterKeys.unwrap(wrapped, tenantId);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  /** Wraps a root key with the current master key, so that the former master key can be retired. */
  async #rewrap(tenantId: string, root: Buffer, formerId: string): Promise<void> {
    const { wrapped, masterKeyId } = this.masterKeys.wrap(root, tenantId);
    await this.#run(tenantId, {
      name: 'rewrap_tenant_key',
      sql: 'update tenant_key set wrapped = $2, master_key_id = $3 where tenant_id = $1 and master_key_id = $4',
      values: [tenantId, wrapped, masterKeyId, formerId],
    });
  }

  /** Runs a statement in the key database. @throws AppError UNAVAILABLE KEYS_UNAVAILABLE on any failure */
  async #run<Row extends object>(tenantId: string, statement: Statement): Promise<Row[]> {
    try {
      const rows = await readForTenant<Row>(this.#orm.em.fork({ session: tenantSession(tenantId) }), statement);
      this.#isDown = false;
      return rows;
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(cause: unknown): AppError {
    // Logged once per outage, not for every call.
    if (!this.#isDown) this.#logger.warn('The keys of personal data are unavailable.', cause);
    this.#isDown = true;
    const message = 'The keys of personal data are unavailable, so it can be neither read nor written. Try again.';
    return new AppError('UNAVAILABLE', 'KEYS_UNAVAILABLE', message, { cause, retryAfterSeconds: 1 });
  }
}

/** UNAVAILABLE KEYS_LOST: a key is missing, for example since the key database was restored from an older backup. */
export function lost(): AppError {
  return new AppError(
    'UNAVAILABLE',
    'KEYS_LOST',
    'A key of the requested personal data is missing. Contact the operator.',
    {
      retryAfterSeconds: 60,
    },
  );
}
