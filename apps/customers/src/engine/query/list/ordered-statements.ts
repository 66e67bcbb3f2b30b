import { term } from '../../fields/terms.js';
import type { RecordType } from '../../fields/record-type.js';
import { shownColumns } from '../../records/record-rows.js';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';
import { ofParent } from '../filter/compare-field.js';
import { isNullable, namesOf, type ListOrder, type ListPosition } from './list-order.js';
import { comparator, ofTenant, source, sqlType, testsOf, valueOf, walkConditions } from './page-statements.js';
import type { PageQuery } from './page-statements.js';

/** A page of a list with several orders. */
export interface ListQuery extends Pick<PageQuery, 'type' | 'tenantId' | 'live' | 'conditions' | 'limit'> {
  orders: readonly ListOrder[];
  /** The end of the previous page. */
  after: ListPosition | undefined;
}

/** The start of a scan along the first order: after a position, or after all records with a value. */
export type WalkStart = ListPosition | { past: string } | undefined;

/**
 * Scans at most `window` rows of the first order's index, and sorts them by all orders. After the columns of a row come
 * its value of each order, then for the whole scan `cut`, the value at which it stopped before the end of the list, the
 * number of scanned rows with this value, and whether the previous page ended within it. Rows with this value are not
 * returned: more of them may follow. A scan without a result returns one row without an id.
 */
export function orderedWindow(query: ListQuery, first: ListOrder, start: WalkStart, window: number): Sql {
  const { type, tenantId, orders, limit } = query;
  const { table } = type;
  const walk = { ...query, order: first, valued: true, after: undefined };
  const { from, key, id } = source(walk);
  const { direction } = first;
  const keys = orders.map((order, place) => (place === 0 ? key : valueOf({ type, order })));
  const named = keys.map((_, place) => `key_${place}`);
  const met = [...testsOf(walk), ...(start && 'id' in start ? [beyond(orders, keys, id, start)] : [])];
  const test = joined(met, 'and');
  const where = joined([...walkConditions(walk), ...startOf(first, key, start)], 'and');
  const last = direction === 'asc' ? 'max' : 'min';
  const value = start && 'id' in start ? (start.values[0] ?? '') : undefined;
  const isStart = value === undefined ? 'false' : `cut = ?::${sqlType(first)}`;
  return {
    sql: `with tested as materialized (
        select ${keys.map((each, place) => `${each} as key_${place}`).join(', ')}, ${id} as id, (${test.sql}) as is_met
        from ${from} where ${where.sql} order by ${key} ${direction}, ${id} ${direction} limit ?
      ), walk as materialized (
        select cut, (select count(*) from tested where key_0 = cut) as cut_rows
        from (select case when count(*) = ? then ${last}(key_0) end as cut from tested) stop
      ), found as materialized (
        select ${named.join(', ')}, id from tested, walk
        where is_met and (cut is null or key_0 ${direction === 'asc' ? '<' : '>'} cut)
        order by ${ordering(orders, named, 'id')} limit ?
      )
      select ${shownColumns(type)}, ${named.map((name) => `found.${name}`).join(', ')}, walk.cut, walk.cut_rows,
        ${isStart} as is_start
      from walk
      left join found on true
      left join ${table} on ${table}.tenant_id = ? and ${table}.id = found.id
      order by ${ordering(
        orders,
        named.map((name) => `found.${name}`),
        'found.id',
      )}`,
    params: [...test.params, ...where.params, window, window, limit, ...(value === undefined ? [] : [value]), tenantId],
  };
}

/** Finds all rows by the indexes of the conditions, or else by that of the tenant, and sorts them. */
export function orderedSort(query: ListQuery): Sql {
  const { type, conditions, live, orders, after, tenantId, limit } = query;
  const { row, index } = allOf(conditions);
  const keys = orders.map((order) => valueOf({ type, order }));
  const id = `${type.table}.id`;
  const found = live ? index : undefined;
  const where = joined(
    [
      ofTenant({ type, tenantId, live }, found !== undefined),
      ...(after ? [beyond(orders, keys, id, after)] : []),
      found ?? row,
    ],
    'and',
  );
  return {
    sql:
      `select ${shownColumns(type)}, ${keys.map((key, place) => `${key} as key_${place}`).join(', ')} ` +
      `from ${type.table} where ${where.sql} order by ${ordering(orders, keys, id)} limit ?`,
    params: [...where.params, limit],
  };
}

/**
 * Records with one value of an order, or without a value. The index of the order finds them; for an enum, the terms of
 * records, except for absent values.
 */
export function withValue(type: RecordType, order: ListOrder, value: string | null): Condition {
  const { table } = type;
  const { by, name } = order;
  const key = valueOf({ type, order });
  const names = namesOf(order);
  const equal = (on: string): Sql => ({ sql: `${on} = ?::${sqlType(order)}`, params: [value ?? ''] });
  if (value === null) {
    const row = { sql: `${key} is null`, params: [] };
    return 'customField' in by || names ? { row } : { row, index: ofParent(type, row, table) };
  }
  const row = { sql: `(${equal(key).sql}) is true`, params: [value] };
  if (names) {
    const found = term(type, name, names[Number(value) - 1] ?? '');
    return { row, index: { sql: `${table}.terms @> array[?]::text[]`, params: [found] } };
  }
  if (!('customField' in by)) return { row, index: ofParent(type, equal(key), table) };
  const ids = `select ${table}_id from ${table}_order_value where field = ? and ${equal('value').sql}`;
  return { row, index: { sql: `${table}.id = any(array(${ids}))`, params: [by.customField, value] } };
}

/** Rows after a position in all orders. */
function beyond(orders: readonly ListOrder[], keys: readonly string[], id: string, position: ListPosition): Sql {
  const [order, ...more] = orders;
  const [key = '', ...moreKeys] = keys;
  const [value = null, ...moreValues] = position.values;
  if (!order) return { sql: 'true', params: [] };
  const rest: Sql =
    more.length > 0
      ? beyond(more, moreKeys, id, { values: moreValues, id: position.id })
      : { sql: `${id} ${comparator(order)} ?::uuid`, params: [position.id] };
  if (value === null) return { sql: `(${key} is null and ${rest.sql})`, params: rest.params };
  const cast = `?::${sqlType(order)}`;
  const later = `${key} ${comparator(order)} ${cast}${isNullable(order) ? ` or ${key} is null` : ''}`;
  return { sql: `(${later} or (${key} = ${cast} and ${rest.sql}))`, params: [value, value, ...rest.params] };
}

/** The start of a scan of the first order for the rows of the page. */
function startOf(first: ListOrder, key: string, start: WalkStart): Sql[] {
  if (!start) return [];
  const [value, sign] = 'past' in start ? [start.past, ''] : [start.values[0] ?? '', '='];
  return [{ sql: `${key} ${comparator(first)}${sign} ?::${sqlType(first)}`, params: [value] }];
}

function ordering(orders: readonly ListOrder[], keys: readonly string[], id: string): string {
  const last = orders.at(-1)?.direction ?? 'asc';
  const sorted = orders.map(({ direction }, place) => `${keys[place]} ${direction} nulls last`);
  return [...sorted, `${id} ${last}`].join(', ');
}
