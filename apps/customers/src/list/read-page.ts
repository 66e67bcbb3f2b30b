import type { EntityManager } from '@mikro-orm/postgresql';
import type { CustomerRow } from '../customer-row.js';
import { allOf, type Sql } from '../filter/condition.js';
import { isNullable } from './list-order.js';
import { hasTests, sortStatement, walkStatement, windowStatement, type PageQuery } from './page-statements.js';
import { byCondition, executeWith, inOrder, type PlannerSettings } from './planner-settings.js';

/** A statement and what the planner must be told for it. */
export interface PageStep extends Sql {
  settings: PlannerSettings;
  isSorted: boolean;
  /** As a statement of a pipeline has it. */
  name?: string;
  /** Rows that may be tested; the next step follows when there were so many and the page is not full. */
  window?: number;
}

/** A customer and its value of the order, null when it has none. */
export interface PageRow extends CustomerRow {
  order_value: string | null;
}

/** Rows tested at least, and for each row of the page. */
const windowRows = { least: 2_000, each: 50 };

/**
 * Reads a page. First those customers that have a value of the order, then those that have none.
 *
 * @param after where the page before ended
 */
export async function readPage(em: EntityManager, query: Omit<PageQuery, 'valued'>): Promise<PageRow[]> {
  const { after, order, limit, conditions } = query;
  const isAmongUnvalued = after?.value === null;
  const valued = isAmongUnvalued ? { rows: [], isSorted: false } : await readPart(em, { ...query, valued: true });
  // A comparison with what a customer does not have is false.
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
 * one row in a hundred about here.
 */
export function pageSteps(query: PageQuery): PageStep[] {
  if (!hasTests(query)) return [{ ...walkStatement(query), ...walkPlan(query), isSorted: false }];
  const sort = { ...sortStatement(query), settings: byCondition, isSorted: true };
  if (query.live && allOf(query.conditions).few) return [sort];
  const window = Math.max(windowRows.least, windowRows.each * query.limit);
  return [{ ...windowStatement(query, window), settings: inOrder, isSorted: false, window }, sort];
}

/**
 * The few walks that everyone takes stay prepared: planning them takes as long as reading the page. Whatever the values, there
 * is one way to walk an index, and PostgreSQL need not look for a better one.
 */
function walkPlan({ order, live, valued, after, conditions }: PageQuery): Pick<PageStep, 'settings' | 'name'> {
  if ('customField' in order.by || conditions.length > 0) return { settings: inOrder };
  const shape = [order.name, order.direction, live ? 'live' : 'deleted', valued ? 'valued' : 'unvalued'];
  const name = ['walk', ...shape, after ? 'after' : 'first'].join('_');
  return { name, settings: { ...inOrder, plan_cache_mode: 'force_generic_plan' } };
}

/** @returns also whether the rows were sorted, and so those without a value are among them */
async function readPart(em: EntityManager, query: PageQuery): Promise<{ rows: PageRow[]; isSorted: boolean }> {
  const steps = pageSteps(query);
  for (const step of steps) {
    const found = await executeWith<FoundRow>(em, step.settings, step, step.name);
    const rows = found.filter((row) => row.id !== null) as PageRow[];
    const isAtEnd = Number(found[0]?.rows_tested ?? 0) < (step.window ?? 0);
    if (rows.length >= query.limit || isAtEnd || step === steps.at(-1)) return { rows, isSorted: step.isSorted };
  }
  throw new Error('A part of a list is read in at least one step.');
}

/** What a window has found; without an id when that is nothing. */
type FoundRow = Omit<PageRow, 'id'> & { id: string | null; rows_tested?: string | null };
