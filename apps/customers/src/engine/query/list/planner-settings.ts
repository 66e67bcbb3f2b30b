import type { EntityManager } from '@mikro-orm/postgresql';
import { readEachForTenant, readForTenant, type Statement } from '@rapport/persistence';
import type { Sql } from '../filter/condition.js';

/** PostgreSQL settings for one statement. */
export type PlannerSettings = Readonly<Record<string, string>>;

const common = {
  // Never scan a whole table: it has the rows of all tenants.
  enable_seqscan: 'off',
};

/** For statements that read rows in the order of an index, and stop when there are enough. */
export const inOrder: PlannerSettings = {
  ...common,
  // No bitmap scans either, whose result would have to be sorted.
  enable_sort: 'off',
  max_parallel_workers_per_gather: '0',
};

/**
 * For statements that find rows by their conditions: only bitmap scans of the conditions' own indexes. A high cost of
 * rows keeps the planner from fetching all rows of the tenant when it overestimates the number of matches. It would also make
 * workers seem worthwhile, which are processors that other tenants need.
 */
export const byCondition: PlannerSettings = {
  ...common,
  enable_indexscan: 'off',
  cpu_tuple_cost: '0.1',
  max_parallel_workers_per_gather: '0',
};

/** For statements that read a few rows by their ids. */
export const byId: PlannerSettings = common;

/** For statements that count or sum all of a tenant's rows. */
export const ofAll: PlannerSettings = common;

/**
 * Runs one SELECT for the tenant of `em`, outside of its transaction.
 *
 * @param name of the prepared statement
 */
export function executeWith<Row extends object>(
  em: EntityManager,
  settings: PlannerSettings,
  { sql, params, row, isQuick = false, isScan = !isQuick }: Sql & Pick<Statement, 'row' | 'isQuick' | 'isScan'>,
  name?: string,
): Promise<Row[]> {
  const values = { values: params, isQuick, isScan };
  const statement = { sql: numbered(sql), ...values, ...(name !== undefined && { name }), ...(row && { row }) };
  return readForTenant<Row>(em, statement, settings);
}

/** `executeWith` for several statements in one round trip. @returns the rows of each */
export function executeEachWith<Row extends object>(
  em: EntityManager,
  settings: PlannerSettings,
  statements: readonly (Sql & Pick<Statement, 'row' | 'name'>)[],
): Promise<Row[][]> {
  const numberedEach = statements.map(({ sql, params, ...rest }) => ({ sql: numbered(sql), values: params, ...rest }));
  return readEachForTenant<Row>(em, numberedEach, settings);
}

/** SQL with `$1` and so on in place of each `?`. */
export function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${(count += 1)}`);
}
