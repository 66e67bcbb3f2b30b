import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createOrm, tableLockTimeoutMs, tenantSession, type DatabaseOptions } from '@rapport/persistence';
import { CustomFields } from '../fields/custom-fields.js';
import { customerContent, customerMessage, indexVersion } from '../records/customer-message.js';
import { Customer } from '../records/customer.entity.js';

/** Numbers of customers that were made anew, and that writes held all the time. */
export interface Reindexed {
  reindexed: number;
  held: number;
}

/** Customers that are made anew in one transaction. */
const batchSize = 1_000;

/** How often, and after how long, one looks again for customers that were held by writes. */
const maxPasses = 10;
const passPauseMs = 200;

/**
 * Makes the derived columns of all customers anew that another release has made, but of those that are sealed, without a change of what the contract
 * shows. Works while the service runs, but for a moment at its start, and waits like a migration no longer than 0.8 s for
 * that: on error 55P03 run it again, which goes on where it ended.
 *
 * @param database with the URL of the owner of the tables
 */
export async function reindexCustomers(database: DatabaseOptions): Promise<Reindexed> {
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
    for (const tenantId of await staleTenants(orm.em.fork())) {
      const { reindexed, held } = await reindexTenant(orm.em.fork({ session: tenantSession(tenantId) }), tenantId);
      done.reindexed += reindexed;
      done.held += held;
    }
    return done;
  } finally {
    await orm.close();
  }
}

/**
 * The tenants, when any has customers to make anew. Row-level security binds the owner too, and this takes it off until
 * the end of the transaction, which no other one can see; the lock that this needs keeps all others out. That is why the
 * tenants are looked up one by one in the primary key: it takes as long as there are tenants, not customers.
 */
async function staleTenants(em: EntityManager): Promise<string[]> {
  return em.transactional(async (owner) => {
    await owner.execute('alter table customer no force row level security');
    const rows = await owner.execute<{ tenant_id: string }[]>(
      `with recursive tenant as (
         (select tenant_id from customer
          where exists (select from customer where index_version < ? and not sealed) order by tenant_id limit 1)
         union all
         select (select next.tenant_id from customer next
                 where next.tenant_id > tenant.tenant_id order by next.tenant_id limit 1)
         from tenant where tenant.tenant_id is not null
       )
       select tenant_id from tenant where tenant_id is not null`,
      [indexVersion],
    );
    await owner.execute('alter table customer force row level security');
    return rows.map(({ tenant_id }) => tenant_id);
  });
}

/**
 * Those of one tenant. A customer that a write holds is passed over and looked at again: it is done by that write when
 * that is one of this release.
 *
 * @param em the owner's, with the session of the tenant
 */
export async function reindexTenant(em: EntityManager, tenantId: string): Promise<Reindexed> {
  let reindexed = 0;
  for (let pass = 1; ; pass += 1) {
    reindexed += await reindexFree(em, tenantId);
    const held = await em.count(Customer, { tenantId, sealed: false, indexVersion: { $lt: indexVersion } });
    if (held === 0 || pass === maxPasses) return { reindexed, held };
    await delay(passPauseMs);
  }
}

/** Those that no write holds. */
async function reindexFree(em: EntityManager, tenantId: string): Promise<number> {
  let count = 0;
  let after: string | undefined = '00000000-0000-0000-0000-000000000000';
  while (after !== undefined) {
    const ids: string[] = await reindexBatch(em, tenantId, after);
    count += ids.length;
    after = ids.length === batchSize ? ids.at(-1) : undefined;
  }
  return count;
}

/** @returns the ids of the customers that were made anew, in their order */
async function reindexBatch(em: EntityManager, tenantId: string, after: string): Promise<string[]> {
  return em.transactional(async (transaction) => {
    const ids = await lockStale(transaction, tenantId, after);
    if (ids.length === 0) return [];
    const customFields = await CustomFields.load(transaction, tenantId);
    const customers = await transaction.find(Customer, { tenantId, id: { $in: ids } }, { disableIdentityMap: true });
    const rows = customers.map((customer) => {
      const content = customerContent(tenantId, customerMessage(customer), customFields);
      return {
        id: customer.id,
        search_text: content.searchText,
        sort_name: content.sortName,
        family_sort_name: content.familySortName,
        company_sort_name: content.companySortName,
        terms: content.terms,
        order_values: content.orderValues,
      };
    });
    await transaction.execute(
      `update customer
       set search_text = made.search_text, sort_name = made.sort_name, family_sort_name = made.family_sort_name,
         company_sort_name = made.company_sort_name, terms = made.terms, order_values = made.order_values,
         index_version = ?
       from jsonb_to_recordset(?) as made (id uuid, search_text text, sort_name text, family_sort_name text,
         company_sort_name text, terms text[], order_values jsonb)
       where customer.tenant_id = ? and customer.id = made.id`,
      [indexVersion, JSON.stringify(rows), tenantId],
    );
    return ids;
  });
}

async function lockStale(em: EntityManager, tenantId: string, after: string): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select id from customer where tenant_id = ? and id > ? and index_version < ? and not sealed
     order by id limit ${batchSize} for update skip locked`,
    [tenantId, after, indexVersion],
  );
  return rows.map(({ id }) => id);
}
