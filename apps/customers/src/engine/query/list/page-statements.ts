import type { RecordType } from '../../fields/record-type.js';
import { conditionOfParent } from '../../records/parents.js';
import { rowVersion, shownColumns } from '../../records/record-rows.js';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';
import type { ListOrder, OrderColumn } from './list-order.js';

/** A page, or the rest of one, of the records with a value of the order or of those without. */
export interface PageQuery {
  type: RecordType;
  tenantId: string;
  live: boolean;
  order: ListOrder;
  /** Whether to return records with a value of the order, or those without. */
  valued: boolean;
  /** Conditions that must all hold. */
  conditions: Condition[];
  /** Value (absent when `valued` is false) and id of the record before the page. */
  after: { value: string | null; id: string } | undefined;
  /** Most returned rows. */
  limit: number;
  /** Whether the tenant has few records of the type, see `isSmallTenant`. */
  isSmall?: boolean;
  /** Whether only ids and versions of rows are read, without the records. */
  isOfVersions?: boolean;
}

/** The columns of a row: those of the record, the version of the row, and the value of the order. */
function columnsOf({ type, isOfVersions = false }: PageQuery, orderValue: string): string {
  const record = isOfVersions ? `${type.table}.id` : shownColumns(type);
  return `${record}, ${rowVersion(type)} as row_version, ${orderValue} as order_value`;
}

/** Scans the index of the order and tests each row, without a limit on the number of tested rows. */
export function walkStatement(query: PageQuery): Sql {
  const { from, key, id } = source(query);
  const where = joined([...walkConditions(query), ...testsOf(query)], 'and');
  return {
    sql:
      `select ${columnsOf(query, key)} from ${from} where ${where.sql} ` +
      `order by ${ordering(query, key, id)} limit ?`,
    params: [...where.params, query.limit],
  };
}

/**
 * Scans the index of the order and tests at most `window` rows, fewer when the page fills up earlier. `rows_tested` is
 * their number when the page is not full: less than `window` at the end of the list. It is a column of each row, or of
 * one row without an id when none is found.
 */
export function windowStatement(query: PageQuery, window: number): Sql {
  const { table } = query.type;
  const { from, key, id } = source(query);
  const test = joined(testsOf(query), 'and');
  const where = joined(walkConditions(query), 'and');
  return {
    sql: `with tested as materialized (
        select ${key} as key, ${id} as id, (${test.sql}) as is_met from ${from} where ${where.sql}
        order by ${ordering(query, key, id)} limit ?
      ), found as materialized (
        select key, id from tested where is_met order by ${ordering(query, 'key', 'id')} limit ?
      )
      select ${columnsOf(query, 'found.key')}, rows_tested
      from (select case when (select count(*) from found) < ? then (select count(*) from tested) end as rows_tested) end_of
      left join found on true
      left join ${table} on ${table}.tenant_id = ? and ${table}.id = found.id
      order by ${ordering(query, 'found.key', 'found.id')}`,
    params: [...test.params, ...where.params, window, query.limit, query.limit, query.tenantId],
  };
}

/**
 * Finds all rows by the indexes of the conditions, or else by that of the tenant, and sorts them. Rows without a value
 * follow those with one, in the same result.
 */
export function sortStatement(query: PageQuery): Sql {
  const { type, conditions, live, order } = query;
  const { table } = type;
  const { row, index } = allOf(conditions);
  const key = valueOf(query);
  const found = live ? index : undefined;
  const where = joined([ofTenant(query, found !== undefined), ...sortPosition(query, key), found ?? row], 'and');
  const { direction } = order;
  return {
    sql:
      `select ${columnsOf(query, key)} from ${table} where ${where.sql} ` +
      `order by ${key} ${direction} nulls last, ${table}.id ${direction} limit ?`,
    params: [...where.params, query.limit],
  };
}

/** Whether each scanned row must be tested, because the scanned range contains other rows too. */
export function hasTests(query: PageQuery): boolean {
  return testsOf(query).length > 0;
}

/** The conditions that are not ranges of the order. */
export function testsOf(query: PageQuery): Sql[] {
  const { conditions, order, valued } = query;
  const tests = conditions.filter(({ range }) => !valued || range?.orderedBy !== order.name).map(({ row }) => row);
  const isWalkOfAll = !valued && 'customField' in order.by;
  return isWalkOfAll ? [{ sql: `${valueOf(query)} is null`, params: [] }, ...tests] : tests;
}

/** Rows of the type or, in the order of a custom field, its order values joined with their records. */
export function source(query: PageQuery) {
  const { table } = query.type;
  const { by } = query.order;
  if (!('customField' in by)) return { from: table, key: valueOf(query), id: `${table}.id` };
  // Rows without a value of a custom field have no index of their own: all records are scanned by id.
  if (!query.valued) return { from: table, key: 'null::text', id: `${table}.id` };
  const from = `${table}_order_value ordered
    join ${table} on ${table}.tenant_id = ordered.tenant_id and ${table}.id = ordered.${table}_id`;
  return { from, key: 'ordered.value', id: `ordered.${table}_id` };
}

/** Records without a value of a custom field are in the order of the primary key. */
function ordering({ order, valued }: PageQuery, key: string, id: string): string {
  const { by, direction } = order;
  return 'customField' in by && !valued ? `${id} ${direction}` : `${key} ${direction}, ${id} ${direction}`;
}

/** The index range of the scan: all conditions except the tests. */
export function walkConditions(query: PageQuery): Sql[] {
  const { tenantId, order, conditions, valued } = query;
  const { by, name } = order;
  const { key, id } = source(query);
  if (!valued) {
    const isNull = 'customField' in by ? [] : [{ sql: `${key} is null`, params: [] }];
    return [ofTenant(query), ...isNull, ...afterId(query, id)];
  }
  const ofField = (field: string) => ({
    sql: 'ordered.tenant_id = ? and ordered.field = ?',
    params: [tenantId, field],
  });
  return [
    ofTenant(query),
    'customField' in by ? ofField(by.customField) : { sql: `${key} is not null`, params: [] },
    ...conditions.flatMap(({ range }) => (range?.orderedBy === name ? range.on(key) : [])),
    ...afterValue(query, key, id),
  ];
}

function sortPosition(query: PageQuery, key: string): Sql[] {
  const isNull = { sql: `${key} is null`, params: [] };
  const id = `${query.type.table}.id`;
  if (!query.valued) return [isNull, ...afterId(query, id)];
  const after = afterValue(query, key, id);
  return after.length > 0
    ? [joined([...after, isNull], 'or')].map(({ sql, params }) => ({ sql: `(${sql})`, params }))
    : [];
}

/** @param isFound whether indexes of conditions find the rows */
export function ofTenant(
  { type, tenantId, live }: Pick<PageQuery, 'type' | 'tenantId' | 'live'>,
  isFound = false,
): Sql {
  const { table } = type;
  const ofParent = conditionOfParent(type, { isTested: isFound });
  return {
    sql: `${table}.tenant_id = ?${ofParent.sql} and ${table}.delete_time is ${live ? '' : 'not '}null`,
    params: [tenantId, ...ofParent.params],
  };
}

function afterValue({ order, after }: PageQuery, key: string, id: string): Sql[] {
  if (!after) return [];
  return [
    {
      sql: `(${key}, ${id}) ${comparator(order)} (?::${sqlType(order)}, ?::uuid)`,
      params: [after.value ?? '', after.id],
    },
  ];
}

function afterId({ order, after }: PageQuery, id: string): Sql[] {
  return after ? [{ sql: `${id} ${comparator(order)} ?::uuid`, params: [after.id] }] : [];
}

export function comparator({ direction }: ListOrder): string {
  return direction === 'asc' ? '>' : '<';
}

/** The SQL type of the order's values. */
export function sqlType({ by }: ListOrder): OrderColumn['type'] {
  return 'customField' in by ? 'text' : by.type;
}

/**
 * The value of the order in a row of the type. Custom field keys contain only letters, digits, underscores and dots.
 */
export function valueOf({ type: { table }, order: { by } }: Pick<PageQuery, 'type' | 'order'>): string {
  if ('customField' in by) return `(${table}.order_values->>'${by.customField}') collate "C"`;
  const { column, names } = by;
  if (!names) return `${table}.${column}`;
  return `array_position(array[${names.map((name) => `'${name}'`).join(', ')}]::text[], ${table}.${column})`;
}
