import { term } from '../../fields/terms.js';
import type { RecordType } from '../../fields/record-type.js';
import { shownColumns } from '../../records/record-rows.js';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';
import { ofParent } from '../filter/compare-field.js';
import { isNullable, namesOf, type ListOrder, type ListPosition } from './list-order.js';
import { comparator, ofTenant, source, sqlType, testsOf, valueOf, walkConditions } from './page-statements.js';
import type { PageQuery } from './page-statements.js';

/** A page of a list of several orders. */
export interface ListQuery extends Pick<PageQuery, 'type' | 'tenantId' | 'live' | 'conditions' | 'limit'> {
  orders: readonly ListOrder[];
  /** Where the page before ended. */
  after: ListPosition | undefined;
}

/** Where a walk along the first order starts: with the records after a position, or after all that have a value. */
export type WalkStart = ListPosition | { past: string } | undefined;

/**
 * Walks the index of the first order over `window` rows at most, and sorts what it meets by all orders. Behind the columns of a
 * row: its value of each order, then of the whole walk `cut`, the value at which it ended before the list did, how many of its
 * rows had this value, and whether the page before ended within it. Rows with this value are not answered: others may be still to
 * come. A walk that finds nothing answers one row without an id.
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
        select case when count(*) = ? then ${last}(key_0) end as cut from tested
      ), found as materialized (
        select ${named.join(', ')}, id from tested, walk
        where is_met and (cut is null or key_0 ${direction === 'asc' ? '<' : '>'} cut)
        order by ${ordering(orders, named, 'id')} limit ?
      )
      select ${shownColumns(type)}, ${named.map((name) => `found.${name}`).join(', ')}, walk.cut,
        (select count(*) from tested where key_0 = walk.cut) as cut_rows, ${isStart} as is_start
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

/** Finds all rows by the indexes of the conditions, or by that of the tenant where these have none, and sorts them. */
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
 * Records that have one value of an order, or none. The index of the order finds them; of an enum the terms of records, but for
 * those that have none.
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

/** Rows that come after a position in all orders. */
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

/** From where a walk along the first order has rows of the page. */
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
