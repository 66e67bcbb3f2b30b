import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createOrm, tableLockTimeoutMs, tenantSession, type DatabaseOptions } from '@rapport/persistence';
import { CustomFields } from '../fields/custom-fields.js';
import { recordTypes, type RecordType } from '../fields/record-type.js';
import { contentColumns } from '../records/record-content.js';
import { recordOf, shownColumns } from '../records/record-rows.js';

/**
 * The condition for records to index again; its parameter is the version. A type without personal data has nothing to
 * encrypt.
 */
const staleCondition = ({ derived }: RecordType) =>
  derived.sealed ? 'index_version < ? and not sealed' : 'index_version < ?';

/** Number of reindexed records, and of records that writes held all the time. */
export interface Reindexed {
  reindexed: number;
  held: number;
}

/** Records reindexed per transaction. */
const batchSize = 1_000;

/** Retries, and their delay, for records that writes held. */
const maxPasses = 10;
const passPauseMs = 200;

/**
 * Rebuilds the derived columns of all unencrypted records that another release has written. Callers see no change. Runs
 * beside the service, except for a short exclusive lock on each table at its start. Waits for that lock at most 0.8 s:
 * on error 55P03 run it again, and it resumes.
 *
 * @param database with the URL of the owner of the tables
 */
export async function reindexRecords(database: DatabaseOptions): Promise<Reindexed> {
  const orm = createOrm(database, {
    driverOptions: {
      connectionString: database.databaseUrl,
      connectionTimeoutMillis: 5_000,
      lock_timeout: tableLockTimeoutMs,
      statement_timeout: 300_000,
      keepAlive: true,
    },
  });
  try {
    const done = { reindexed: 0, held: 0 };
    for (const type of recordTypes()) {
      for (const tenantId of await staleTenants(orm.em.fork(), type)) {
        const em = orm.em.fork({ session: tenantSession(tenantId) });
        const { reindexed, held } = await reindexTenant(em, type, tenantId);
        done.reindexed += reindexed;
        done.held += held;
      }
    }
    return done;
  } finally {
    await orm.close();
  }
}

/**
 * The tenants, if there are records to reindex. Row-level security binds the owner too; this disables it until the end
 * of the transaction, invisible to other transactions, under a lock that excludes them all. For this reason the tenants
 * are looked up one by one in the primary key: the time depends on the number of tenants, not of records.
 */
async function staleTenants(em: EntityManager, type: RecordType): Promise<string[]> {
  const { table, definition } = type;
  return em.transactional(async (owner) => {
    await owner.execute(`alter table ${table} no force row level security`);
    const rows = await owner.execute<{ tenant_id: string }[]>(staleTenantsSql(table), [definition.indexVersion]);
    await owner.execute(`alter table ${table} force row level security`);
    return rows.map(({ tenant_id }) => tenant_id);
  });
}

/**
 * All tenants with records in the table, if any record is of another version; its parameter is the version. Encrypted records
 * count too, although they stay as they are: to look for one that is not would read them all under the lock.
 */
export function staleTenantsSql(table: string): string {
  return `with recursive tenant as (
      (select tenant_id from ${table}
       where exists (select from ${table} where index_version < ?) order by tenant_id limit 1)
      union all
      select (select next.tenant_id from ${table} next
              where next.tenant_id > tenant.tenant_id order by next.tenant_id limit 1)
      from tenant where tenant.tenant_id is not null
    )
    select tenant_id from tenant where tenant_id is not null`;
}

/**
 * Reindexes one tenant. A record that a write holds is skipped and visited again: a write of this release reindexes it.
 *
 * @param em the owner's, with the session of the tenant
 */
export async function reindexTenant(em: EntityManager, type: RecordType, tenantId: string): Promise<Reindexed> {
  let reindexed = 0;
  for (let pass = 1; ; pass += 1) {
    reindexed += await reindexFree(em, type, tenantId);
    const [row] = await em.execute<{ held: string }[]>(
      `select count(*) as held from ${type.table} where tenant_id = ? and ${staleCondition(type)}`,
      [tenantId, type.definition.indexVersion],
    );
    const held = Number(row?.held);
    if (held === 0 || pass === maxPasses) return { reindexed, held };
    await delay(passPauseMs);
  }
}

/** Records that no write holds. */
async function reindexFree(em: EntityManager, type: RecordType, tenantId: string): Promise<number> {
  let count = 0;
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const ids: string[] = await reindexBatch(em, type, tenantId, after);
    count += ids.length;
    after = ids.length === batchSize ? ids.at(-1) : undefined;
  }
  return count;
}

/** @returns the ids of the reindexed records, in their order */
async function reindexBatch(em: EntityManager, type: RecordType, tenantId: string, after: string): Promise<string[]> {
  const { table } = type;
  return em.transactional(async (transaction) => {
    const stale = await lockStale(transaction, type, tenantId, after);
    if (stale.length === 0) return [];
    const customFields = await CustomFields.load(transaction, type, tenantId);
    const rows = stale.map((row) => {
      const record = recordOf(type, row);
      const { sealed: _, ...columns } = contentColumns(type, record, customFields);
      return { id: record.id, ...columns };
    });
    const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'id');
    await transaction.execute(
      `update ${table} set ${columns.map((column) => `${column} = made.${column}`).join(', ')}
       from jsonb_populate_recordset(null::${table}, ?) as made
       where ${table}.tenant_id = ? and ${table}.id = made.id`,
      [JSON.stringify(rows), tenantId],
    );
    return rows.map(({ id }) => id);
  });
}

function lockStale(
  em: EntityManager,
  type: RecordType,
  tenantId: string,
  after: string,
): Promise<Record<string, unknown>[]> {
  const { table, definition } = type;
  return em.execute<Record<string, unknown>[]>(
    `select ${shownColumns(type)} from ${table} where tenant_id = ? and id > ? and ${staleCondition(type)}
     order by id limit ${batchSize} for update skip locked`,
    [tenantId, after, definition.indexVersion],
  );
}
