import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordMessage } from '../../fields/record-definition.js';
import { rowReader, type StoredRecord } from '../../records/record-rows.js';
import { allOf, type Sql } from '../filter/condition.js';
import { isNullable } from './list-order.js';
import { hasTests, sortStatement, walkStatement, windowStatement, type PageQuery } from './page-statements.js';
import { byCondition, executeWith, inOrder, type PlannerSettings } from './planner-settings.js';
import { isSmallTenant } from './tenant-size.js';

/** A statement and what the planner must be told for it. */
export interface PageStep extends Sql {
  settings: PlannerSettings;
  isSorted: boolean;
  /** As a statement of a pipeline has it. */
  name?: string;
  /** Rows that may be tested; the next step follows when there were so many and the page is not full. */
  window?: number;
}

/** A record, with its value of the order first in `more`, null when it has none. */
export type PageRow = StoredRecord<RecordMessage>;

/**
 * Rows tested at least, and for each row of the page. In a small tenant, where sorting all that is found takes less than testing
 * hundreds of rows, only so many that what most records meet is not sorted.
 */
const windowRows = { least: 2_000, each: 50, eachOfFew: 3 };

/**
 * Reads a page. First those records that have a value of the order, then those that have none.
 *
 * @param after where the page before ended
 */
export async function readPage(em: EntityManager, query: Omit<PageQuery, 'valued'>): Promise<PageRow[]> {
  const { after, order, limit, conditions } = query;
  const isAmongUnvalued = after?.value === null;
  const valued = isAmongUnvalued ? { rows: [], isSorted: false } : await readPart(em, { ...query, valued: true });
  // A comparison with what a record does not have is false.
  const isRange = conditions.some(({ range }) => range?.orderedBy === order.name);
  const isWhole = valued.isSorted || valued.rows.length >= limit || isRange || !isNullable(order);
  if (isWhole) return valued.rows;
  const unvalued = { ...query, valued: false, limit: limit - valued.rows.length };
  const { rows } = await readPart(em, { ...unvalued, after: isAmongUnvalued ? after : undefined });
  return [...valued.rows, ...rows];
}

/**
 * How a part of a list is read, the next step only when the one before did not do.
 *
 * Few rows met: the walk along the order would go on and on, but their indexes find them at once. Many rows met: sorting
 * them all takes long, but the walk finds a page soon. Which one it is, is tried rather than guessed: the planner's
 * statistics are of all tenants together, and a page of 20 that was not full after 2,000 rows of the order has at most
 * one row in a hundred about here. In a small tenant the indexes are asked sooner.
 */
export function pageSteps(query: PageQuery): PageStep[] {
  if (!hasTests(query)) return [{ ...walkStatement(query), ...planOf('walk', query, inOrder), isSorted: false }];
  const sort = { ...sortStatement(query), ...planOf('sort', query, byCondition), isSorted: true };
  if (query.live && allOf(query.conditions).few) return [sort];
  const { least, each, eachOfFew } = windowRows;
  const window = query.isSmall ? eachOfFew * query.limit : Math.max(least, each * query.limit);
  return [{ ...windowStatement(query, window), ...planOf('window', query, inOrder), isSorted: false, window }, sort];
}

/** Conditions of a statement that stays prepared: each number of them is another statement. */
const maxKeptConditions = 2;

/**
 * The pages that everyone asks for stay prepared: those without conditions, and those of a search for a word or two. Planning them
 * takes as long as reading the page. The settings leave one way to walk an index, or to find rows by the indexes of their
 * conditions, whatever the values, and PostgreSQL need not look for a better one.
 */
function planOf(
  kind: string,
  { type, order, live, valued, after, conditions }: PageQuery,
  settings: PlannerSettings,
): Pick<PageStep, 'settings' | 'name'> {
  const shapes = conditions.flatMap(({ shape }) => shape ?? []);
  const isKept = shapes.length === conditions.length && shapes.length <= maxKeptConditions;
  if ('customField' in order.by || !isKept) return { settings };
  const walk = [type.table, order.name, order.direction, live ? 'live' : 'deleted', valued ? 'valued' : 'unvalued'];
  const name = [kind, ...walk, after ? 'after' : 'first', ...shapes].join('_');
  return { name, settings: { ...settings, plan_cache_mode: 'force_generic_plan' } };
}

/** @returns also whether the rows were sorted, and so those without a value are among them */
async function readPart(em: EntityManager, query: PageQuery): Promise<{ rows: PageRow[]; isSorted: boolean }> {
  const isSmall = mayBeSorted(query) && (await isSmallTenant(em, query.type, query.tenantId));
  const steps = pageSteps({ ...query, isSmall });
  for (const step of steps) {
    const found = await executeWith<PageRow>(em, step.settings, { ...step, row: rowReader(query.type) }, step.name);
    // A window that has found nothing has one row without a record.
    const rows = found.filter(({ record }) => record.id !== '');
    const [, rowsTested] = found[0]?.more ?? [];
    const isAtEnd = Number(rowsTested ?? 0) < (step.window ?? 0);
    if (rows.length >= query.limit || isAtEnd || step === steps.at(-1)) return { rows, isSorted: step.isSorted };
  }
  throw new Error('A part of a list is read in at least one step.');
}

/** Whether rows are tested first, and may be found by indexes and sorted then. */
function mayBeSorted(query: PageQuery): boolean {
  const { index, few } = allOf(query.conditions);
  return query.live && hasTests(query) && index !== undefined && few !== true;
}
