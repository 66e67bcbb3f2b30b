import type { EntityManager } from '@mikro-orm/postgresql';
import { customerOfRow, type CustomerRow } from '../customer-row.js';
import type { Customer } from '../customer.entity.js';
import { allOf, type Sql } from '../filter/condition.js';
import { isNullable } from './list-order.js';
import { hasTests, sortStatement, walkStatement, windowStatement, type PageQuery } from './page-statements.js';
import { byCondition, executeWith, inOrder, type PlannerSettings } from './planner-settings.js';

/** A statement and what the planner must be told for it. */
export interface PageStep extends Sql {
  settings: PlannerSettings;
  isSorted: boolean;
  /** Rows that may be tested; the next step follows when there were so many and the page is not full. */
  window?: number;
}

/** Rows tested at least, and for each row of the page. */
const windowRows = { least: 2_000, each: 50 };

/**
 * Reads a page. First those customers that have a value of the order, then those that have none.
 *
 * @param after where the page before ended
 */
export async function readPage(em: EntityManager, query: Omit<PageQuery, 'valued'>): Promise<Customer[]> {
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
  if (!hasTests(query)) return [{ ...walkStatement(query), settings: inOrder, isSorted: false }];
  const sort = { ...sortStatement(query), settings: byCondition, isSorted: true };
  if (query.live && allOf(query.conditions).single) return [sort];
  const window = Math.max(windowRows.least, windowRows.each * query.limit);
  return [{ ...windowStatement(query, window), settings: inOrder, isSorted: false, window }, sort];
}

/** @returns also whether the rows were sorted, and so those without a value are among them */
async function readPart(em: EntityManager, query: PageQuery): Promise<{ rows: Customer[]; isSorted: boolean }> {
  const steps = pageSteps(query);
  for (const step of steps) {
    const found = await executeWith<PageRow>(em, step.settings, step);
    const rows = found.flatMap(({ rows_tested: _, ...row }) => (row.id === null ? [] : customerOfRow(row)));
    const isAtEnd = Number(found[0]?.rows_tested ?? 0) < (step.window ?? 0);
    if (rows.length >= query.limit || isAtEnd || step === steps.at(-1)) return { rows, isSorted: step.isSorted };
  }
  throw new Error('A part of a list is read in at least one step.');
}

interface PageRow extends CustomerRow {
  id: string | null;
  rows_tested?: string | number | null;
}
