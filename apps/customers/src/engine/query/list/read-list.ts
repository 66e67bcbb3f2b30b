import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordMessage } from '../../fields/record-definition.js';
import { rowReader, type StoredRecord } from '../../records/record-rows.js';
import { allOf, type Sql } from '../filter/condition.js';
import { isNullable, namesOf, type ListOrder, type ListPosition } from './list-order.js';
import { orderedSort, orderedWindow, withValue, type ListQuery, type WalkStart } from './ordered-statements.js';
import { hasTests } from './page-statements.js';
import { byCondition, executeWith, inOrder, type PlannerSettings } from './planner-settings.js';
import { readPage } from './read-page.js';
import { isSmallTenant } from './tenant-size.js';

/** A record of a list, and its value of each order. */
export interface ListRow {
  stored: StoredRecord<RecordMessage>;
  values: readonly (string | null)[];
}

/**
 * Rows per scan of the first order: a few per row of the page, which suffices for lists without large groups of equal
 * values, and at least this many.
 */
const windowRows = { each: 10, eachOfMany: 50, least: 2_000 };

/** Large groups that a list with conditions reads before it sorts all matches instead. */
const maxGroups = 3;

/**
 * Reads a page of a list.
 *
 * With several orders, the first one has an index. A page comes from a scan of at most 2,000 rows, or 50 for each row
 * of the page, along it, sorted by all orders. A larger group of equal values becomes a list of its own: of the records
 * with that value, by the remaining orders, which reads as many rows as a list with that filter. The same applies to
 * records without a value, and to each value of an enum. Up to 10,000 records of a tenant are sorted instead.
 */
export async function readList(em: EntityManager, query: ListQuery): Promise<ListRow[]> {
  const { type, orders, conditions, live, after, limit } = query;
  const [first, ...rest] = orders;
  if (!first) throw new Error('A list has an order.');
  if (rest.length === 0) {
    const position = after && { value: after.values[0] ?? null, id: after.id };
    const rows = await readPage(em, { ...query, order: first, after: position });
    return rows.map((stored) => ({ stored, values: [stored.more[1] ?? null] }));
  }
  if (live && allOf(conditions).few) return readSorted(em, query);
  const isSmall = live && (await isSmallTenant(em, type, query.tenantId));
  const names = namesOf(first);
  if (names && isSmall) return readSorted(em, query);
  const { rows, isWhole } = names
    ? { rows: await readNames(em, query, names), isWhole: false }
    : await readValued(em, query, isSmall);
  if (isWhole || rows.length >= limit || hasNoOthers(query, first)) return rows;
  const others = await readGroup(em, { ...query, limit: limit - rows.length }, null, positionIn(after, null));
  return [...rows, ...others];
}

/** Whether every record of the list has a value of the order: a comparison with an absent value is false. */
function hasNoOthers({ conditions }: ListQuery, order: ListOrder): boolean {
  return !isNullable(order) || conditions.some(({ range }) => range?.orderedBy === order.name);
}

/** The records with one value of the first order, or null for those without: a list by the remaining orders. */
async function readGroup(
  em: EntityManager,
  query: ListQuery,
  value: string | null,
  after: ListPosition | undefined,
): Promise<ListRow[]> {
  const [first, ...orders] = query.orders;
  if (!first) return [];
  const conditions = [...query.conditions, withValue(query.type, first, value)];
  const rows = await readList(em, { ...query, orders, conditions, after });
  return rows.map(({ stored, values }) => ({ stored, values: [value, ...values] }));
}

/** The end of the previous page among the records with a value; undefined when it ended elsewhere. */
function positionIn(after: ListPosition | undefined, value: string | null): ListPosition | undefined {
  return after?.values[0] === value ? restOf(after) : undefined;
}

/** A position in the remaining orders. */
function restOf({ values, id }: ListPosition): ListPosition {
  return { values: values.slice(1), id };
}

/** The records with a value of an enum, one value after the other. */
async function readNames(em: EntityManager, query: ListQuery, names: readonly string[]): Promise<ListRow[]> {
  const { orders, after, limit } = query;
  const places = names.map((_, place) => String(place + 1));
  if (orders[0]?.direction === 'desc') places.reverse();
  const start = after ? places.indexOf(after.values[0] ?? '') : 0;
  const rows: ListRow[] = [];
  for (const place of start < 0 ? [] : places.slice(start)) {
    const left = { ...query, limit: limit - rows.length };
    rows.push(...(await readGroup(em, left, place, positionIn(after, place))));
    if (rows.length >= limit) break;
  }
  return rows;
}

/**
 * The records with a value of the first order. If all remaining records were sorted, also those without: the page is
 * complete then.
 */
async function readValued(
  em: EntityManager,
  query: ListQuery,
  isSmall: boolean,
): Promise<{ rows: ListRow[]; isWhole: boolean }> {
  const { after, limit } = query;
  const [first] = query.orders;
  const rows: ListRow[] = [];
  if (!first || isPastValues(after)) return { rows, isWhole: false };
  const isTested = hasTests({ ...query, order: first, valued: true, after: undefined });
  let start: WalkStart = after;
  for (let groups = 0; ; groups += 1) {
    const left = { ...query, limit: limit - rows.length };
    const { met, cut, isGroup, isStart } = await walk(em, left, { first, start, isSmall });
    if (cut === null || met.length >= left.limit) return { rows: [...rows, ...met], isWhole: false };
    const isScattered = isTested && (!isGroup || groups >= maxGroups);
    if (isSmall || isScattered) {
      return { rows: [...rows, ...(await readSorted(em, { ...left, after: endOf(rows) ?? after }))], isWhole: true };
    }
    rows.push(...met);
    const within = isStart && start && 'id' in start ? restOf(start) : undefined;
    rows.push(...(await readGroup(em, { ...query, limit: limit - rows.length }, cut, within)));
    if (rows.length >= limit) return { rows, isWhole: false };
    start = { past: cut };
  }
}

/** Whether the previous page ended among the records without a value. */
function isPastValues(after: ListPosition | undefined): boolean {
  return after?.values[0] === null;
}

function endOf(rows: readonly ListRow[]): ListPosition | undefined {
  const last = rows.at(-1);
  return last && { values: last.values, id: last.stored.record.id };
}

/** The result of a scan along the first order. */
interface Walk {
  met: ListRow[];
  /** The value at which it stopped before the end of the list. */
  cut: string | null;
  /** Whether most scanned rows have this value. */
  isGroup: boolean;
  /** Whether the previous page ended within this value. */
  isStart: boolean;
}

async function walk(
  em: EntityManager,
  query: ListQuery,
  along: { first: ListOrder; start: WalkStart; isSmall: boolean },
): Promise<Walk> {
  const { orders, limit } = query;
  let found: Walk = { met: [], cut: null, isGroup: false, isStart: false };
  for (const window of windowsOf(limit, along.isSmall)) {
    const statement = orderedWindow(query, along.first, along.start, window);
    const rows = await readRows(em, query, statement, inOrder);
    const [cut = null, cutRows, isStart] = rows[0]?.stored.more.slice(orders.length) ?? [];
    const met = rows.filter(({ stored }) => stored.record.id !== '');
    found = { met, cut, isGroup: 2 * Number(cutRows) >= window, isStart: isStart === 't' };
    if (cut === null || met.length >= limit) return found;
  }
  return found;
}

/** Rows per scan, and those of the next scan from the same start when the page is not full. */
function windowsOf(limit: number, isSmall: boolean): number[] {
  const { each, eachOfMany, least } = windowRows;
  const few = each * limit;
  return isSmall ? [few] : [few, Math.max(least, eachOfMany * limit)];
}

function readSorted(em: EntityManager, query: ListQuery): Promise<ListRow[]> {
  return readRows(em, query, orderedSort(query), byCondition);
}

async function readRows(
  em: EntityManager,
  { type, orders }: ListQuery,
  statement: Sql,
  settings: PlannerSettings,
): Promise<ListRow[]> {
  const found = await executeWith<StoredRecord<RecordMessage>>(em, settings, { ...statement, row: rowReader(type) });
  return found.map((stored) => ({ stored, values: stored.more.slice(0, orders.length) }));
}
