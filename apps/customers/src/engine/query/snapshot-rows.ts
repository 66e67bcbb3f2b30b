import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { tenantSession } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { messagesOfRows, shownColumns, type CustomerRow } from '../records/customer-row.js';
import { allOf, type Condition, type Sql } from './filter/condition.js';
import { byCondition, inOrder, type PlannerSettings } from './list/planner-settings.js';

/** Customers that are read, written and held in memory at a time. */
const batchSize = 200;

/** Customers that are found by the indexes of the conditions first, and then read by their ids. */
const maxFound = 10_000;

/**
 * Calls `begin` and then gives the live customers that meet the conditions, in the order of their ids and in batches, all as
 * they were when `begin` was called. The next batch is read when the one before was taken.
 *
 * @param begin reads what else must be of the same moment
 */
export async function* snapshotRows<Context>(
  em: EntityManager,
  conditions: Condition[],
  begin: (reader: EntityManager) => Promise<Context>,
): AsyncGenerator<{ context: Context; customers: CustomerMessage[] }, void> {
  const { tenantId } = currentCaller();
  const reader = em.fork({ session: tenantSession(tenantId) });
  await reader.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true });
  try {
    // The edge cuts a reader off that takes nothing for a minute or two.
    await reader.execute(`set local idle_in_transaction_session_timeout = '150s'`);
    const context = await begin(reader);
    yield { context, customers: [] };
    const found = await findFew(reader, tenantId, conditions);
    for await (const rows of found ? byIds(reader, tenantId, found) : byWalk(reader, tenantId, conditions)) {
      yield { context, customers: await messagesOfRows(rows) };
    }
  } finally {
    await reader.rollback();
  }
}

/** The ids of the customers, when an index finds them and they are few. */
async function findFew(
  reader: EntityManager,
  tenantId: string,
  conditions: Condition[],
): Promise<string[] | undefined> {
  const { index } = allOf(conditions);
  if (!index) return undefined;
  await setPlanner(reader, byCondition);
  const { sql, params } = where(tenantId, index);
  const rows = await reader.execute<{ id: string }[]>(`select customer.id ${sql} limit ${maxFound + 1}`, params);
  return rows.length > maxFound ? undefined : rows.map(({ id }) => id).sort();
}

async function* byIds(reader: EntityManager, tenantId: string, ids: string[]): AsyncGenerator<CustomerRow[]> {
  await setPlanner(reader, inOrder);
  for (let start = 0; start < ids.length; start += batchSize) {
    yield await reader.execute<CustomerRow[]>(
      `select ${shownColumns} from customer where tenant_id = ? and id in (?) order by id`,
      [tenantId, ids.slice(start, start + batchSize)],
    );
  }
}

/** Walks the primary key and tests each row, so that the first ones come at once and nothing is sorted. */
async function* byWalk(
  reader: EntityManager,
  tenantId: string,
  conditions: Condition[],
): AsyncGenerator<CustomerRow[]> {
  await setPlanner(reader, inOrder);
  const { sql, params } = where(tenantId, allOf(conditions).row);
  await reader.execute(
    `declare customers no scroll cursor for select ${shownColumns} ${sql} order by customer.id`,
    params,
  );
  for (;;) {
    const rows = await reader.execute<CustomerRow[]>(`fetch ${batchSize} from customers`);
    if (rows.length === 0) return;
    yield rows;
  }
}

function where(tenantId: string, condition: Sql): Sql {
  return {
    sql: `from customer where customer.tenant_id = ? and customer.delete_time is null and (${condition.sql})`,
    params: [tenantId, ...condition.params],
  };
}

async function setPlanner(reader: EntityManager, settings: PlannerSettings): Promise<void> {
  const all = { enable_indexscan: 'on', enable_bitmapscan: 'on', enable_sort: 'on', ...settings };
  for (const [name, value] of Object.entries(all)) await reader.execute('select set_config(?, ?, true)', [name, value]);
}
