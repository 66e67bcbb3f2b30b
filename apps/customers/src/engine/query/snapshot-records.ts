import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { openStored, recordOf, shownColumns } from '../records/record-rows.js';
import { allOf, type Condition, type Sql } from './filter/condition.js';
import { ofTenant } from './list/page-statements.js';
import { byCondition, inOrder, type PlannerSettings } from './list/planner-settings.js';

/** Batch size of reading and writing. */
const batchSize = 200;

/** Most records that are found by the indexes of the conditions and then read by id. */
const maxFound = 10_000;

/**
 * Calls `begin` and then yields the live records that match the conditions, in the order of their ids and in batches,
 * all as of the call of `begin`. Each batch is read after the consumer has taken the previous one.
 *
 * @param begin reads further data from the same snapshot
 */
export async function* snapshotRecords<Message extends RecordMessage, Context>(
  em: EntityManager,
  type: RecordType<Message>,
  conditions: Condition[],
  begin: (reader: EntityManager) => Promise<Context>,
): AsyncGenerator<{ context: Context; records: Message[] }, void> {
  const { tenantId } = currentCaller();
  const reader = em.fork({ session: tenantSession(tenantId) });
  await reader.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true });
  try {
    // The edge disconnects a stalled reader after a minute or two.
    await reader.execute(`set local idle_in_transaction_session_timeout = '150s'`);
    const context = await begin(reader);
    yield { context, records: [] };
    const found = await findFew(reader, type, tenantId, conditions);
    for await (const rows of found
      ? byIds(reader, type, tenantId, found)
      : byWalk(reader, type, tenantId, conditions)) {
      const stored = rows.map((row) => ({ record: recordOf(type, row), sealed: row.sealed, more: [] }));
      yield { context, records: await openStored(type, stored) };
    }
  } finally {
    await reader.rollback();
  }
}

/** A row by the names of `shownColumns`. */
interface Row {
  id: string;
  sealed: boolean;
}

/** The ids of the records, when an index finds them and they are few. */
async function findFew(
  reader: EntityManager,
  type: RecordType,
  tenantId: string,
  conditions: Condition[],
): Promise<string[] | undefined> {
  const { index } = allOf(conditions);
  if (!index) return undefined;
  await setPlanner(reader, byCondition);
  const { sql, params } = where(type, tenantId, index);
  const rows = await reader.execute<{ id: string }[]>(`select ${type.table}.id ${sql} limit ${maxFound + 1}`, params);
  return rows.length > maxFound ? undefined : rows.map(({ id }) => id).sort();
}

async function* byIds(reader: EntityManager, type: RecordType, tenantId: string, ids: string[]): AsyncGenerator<Row[]> {
  await setPlanner(reader, inOrder);
  for (let start = 0; start < ids.length; start += batchSize) {
    yield await reader.execute<Row[]>(
      `select ${shownColumns(type)} from ${type.table} where tenant_id = ? and id in (?) order by id`,
      [tenantId, ids.slice(start, start + batchSize)],
    );
  }
}

/** Scans the primary key and tests each row, so that the first ones arrive at once and nothing is sorted. */
async function* byWalk(
  reader: EntityManager,
  type: RecordType,
  tenantId: string,
  conditions: Condition[],
): AsyncGenerator<Row[]> {
  await setPlanner(reader, inOrder);
  const { sql, params } = where(type, tenantId, allOf(conditions).row);
  await reader.execute(
    `declare records no scroll cursor for select ${shownColumns(type)} ${sql} order by ${type.table}.id`,
    params,
  );
  for (;;) {
    const rows = await reader.execute<Row[]>(`fetch ${batchSize} from records`);
    if (rows.length === 0) return;
    yield rows;
  }
}

function where(type: RecordType, tenantId: string, condition: Sql): Sql {
  const { sql, params } = ofTenant({ type, tenantId, live: true });
  return {
    sql: `from ${type.table} where ${sql} and (${condition.sql})`,
    params: [...params, ...condition.params],
  };
}

async function setPlanner(reader: EntityManager, settings: PlannerSettings): Promise<void> {
  const all = { enable_indexscan: 'on', enable_bitmapscan: 'on', enable_sort: 'on', ...settings };
  for (const [name, value] of Object.entries(all)) await reader.execute('select set_config(?, ?, true)', [name, value]);
}
