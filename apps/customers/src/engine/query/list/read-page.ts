import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordMessage } from '../../fields/record-definition.js';
import { idReader, rowReader, type StoredRecord } from '../../records/record-rows.js';
import { allOf, type Sql } from '../filter/condition.js';
import { isNullable } from './list-order.js';
import { hasTests, sortStatement, walkStatement, windowStatement, type PageQuery } from './page-statements.js';
import { byCondition, executeWith, inOrder, type PlannerSettings } from './planner-settings.js';
import { ScarceMatches } from './scarce-matches.js';
import { isSmallTenant } from './tenant-size.js';

/** A statement and its planner settings. */
export interface PageStep extends Sql {
  settings: PlannerSettings;
  isSorted: boolean;
  /** Name of the prepared statement. */
  name?: string;
  /** Most tested rows; if the page is not full after them, another step follows. */
  window?: number;
  /** Whether it reads few rows, see `Statement`. */
  isQuick?: boolean;
}

/** A record. `more` begins with the version of its row, and its value of the order, null when absent. */
export type PageRow = StoredRecord<RecordMessage>;

/**
 * Rows tested at least, and per row of the page. In a small tenant, where sorting all matches takes less time than
 * testing hundreds of rows, just enough to avoid sorting when most records match.
 */
const windowRows = { least: 2_000, each: 50, eachOfFew: 3 };

/** The part of a window that is tested first: the records found there show whether all of it would fill the page. */
const samplePart = 1 / 8;

/**
 * Most rows of a statement that other calls may wait for: a page of 20 is one, and its window in a small tenant. Reading them takes a
 * few hundred microseconds, and some milliseconds if the records are as large as they may be.
 */
const quickRows = 64;

/**
 * Reads a page: first the records with a value of the order, then those without.
 *
 * @param after the end of the previous page
 */
export async function readPage(em: EntityManager, query: Omit<PageQuery, 'valued'>): Promise<PageRow[]> {
  const { after, order, limit, conditions } = query;
  const isAmongUnvalued = after?.value === null;
  const valued = isAmongUnvalued ? { rows: [], isSorted: false } : await readPart(em, { ...query, valued: true });
  // A comparison with an absent value is false.
  const isRange = conditions.some(({ range }) => range?.orderedBy === order.name);
  const isWhole = valued.isSorted || valued.rows.length >= limit || isRange || !isNullable(order);
  if (isWhole) return valued.rows;
  const unvalued = { ...query, valued: false, limit: limit - valued.rows.length };
  const { rows } = await readPart(em, { ...unvalued, after: isAmongUnvalued ? after : undefined });
  return [...valued.rows, ...rows];
}

/**
 * Steps to read a part of a list; the next one runs only when the previous one did not fill the page, and the larger window only if
 * the smaller one lets expect that it does.
 *
 * With few matches, a scan along the order would test very many rows, but the indexes of the conditions find them at
 * once. With many matches, sorting them all takes long, but a scan fills the page soon. The first step finds out which
 * case it is, because the planner's statistics cover all tenants together: a page of 20 that is not full after 2,000
 * rows of the order means that at most about one row in a hundred matches. In a small tenant the indexes are used
 * earlier.
 */
export function pageSteps(query: PageQuery): PageStep[] {
  if (!hasTests(query)) {
    const isQuick = query.limit <= quickRows;
    return [{ ...walkStatement(query), ...planOf('walk', query, inOrder), isSorted: false, isQuick }];
  }
  const sort = { ...sortStatement(query), ...planOf('sort', query, byCondition), isSorted: true, isQuick: false };
  if (query.live && allOf(query.conditions).few) return [sort];
  const plan = planOf('window', query, inOrder);
  const scans = windowsOf(query).map((window) => ({
    ...windowStatement(query, window),
    ...plan,
    isSorted: false,
    window,
    isQuick: window <= quickRows,
  }));
  return [...scans, sort];
}

/** The windows of a query that has tests, the smaller one first. */
function windowsOf(query: PageQuery): number[] {
  const { least, each, eachOfFew } = windowRows;
  if (query.isSmall) return [eachOfFew * query.limit];
  const window = Math.max(least, each * query.limit);
  return mayBeSorted(query) ? [Math.ceil(window * samplePart), window] : [window];
}

/** Conditions of a prepared statement: each number of conditions is a statement of its own. */
const maxPreparedConditions = 2;

/**
 * Frequent pages use prepared statements: those without conditions, and those of a search for a word or two. Planning
 * takes as long as reading the page. The settings leave only one plan to scan an index, or to find rows by the indexes
 * of their conditions, so planning for the values of one call would find the same plan.
 */
function planOf(
  kind: string,
  { type, order, live, valued, after, conditions, isOfVersions = false }: PageQuery,
  settings: PlannerSettings,
): Pick<PageStep, 'settings' | 'name'> {
  const shapes = conditions.flatMap(({ shape }) => shape ?? []);
  const isPrepared = shapes.length === conditions.length && shapes.length <= maxPreparedConditions;
  if ('customField' in order.by || !isPrepared) return { settings };
  const walk = [type.table, order.name, order.direction, live ? 'live' : 'deleted', valued ? 'valued' : 'unvalued'];
  const name = [kind, ...(isOfVersions ? ['versions'] : []), ...walk, after ? 'after' : 'first', ...shapes].join('_');
  return { name, settings: { ...settings, plan_cache_mode: 'force_generic_plan' } };
}

/** @returns also whether the rows were sorted, in which case they include those without a value */
async function readPart(em: EntityManager, query: PageQuery): Promise<{ rows: PageRow[]; isSorted: boolean }> {
  const { steps, scarce } = await stepsOf(em, query);
  const row = query.isOfVersions ? idReader : rowReader(query.type);
  for (let step = steps.shift(); step; step = steps.shift()) {
    const found = await executeWith<PageRow>(em, step.settings, { ...step, row }, step.name);
    // An empty result has one row without a record.
    const rows = found.filter(({ record }) => record.id !== '');
    const [, , rowsTested] = found[0]?.more ?? [];
    const { window = 0, isSorted } = step;
    if (rows.length >= query.limit || Number(rowsTested ?? 0) < window || steps.length === 0) return { rows, isSorted };
    const larger = steps[0]?.window;
    if (larger !== undefined && (rows.length * larger) / window < query.limit) steps.shift();
    if (steps.length === 1) scarce?.note(query);
  }
  throw new Error('A part of a list takes at least one step.');
}

/** The steps of a part, and what to tell when the first of them does not fill the page. */
async function stepsOf(em: EntityManager, query: PageQuery): Promise<{ steps: PageStep[]; scarce?: ScarceMatches }> {
  if (!mayBeSorted(query)) return { steps: pageSteps(query) };
  const isSmall = await isSmallTenant(em, query.type, query.tenantId);
  const steps = pageSteps({ ...query, isSmall });
  // In a large tenant, matches that are scarce after one position may be many after another one.
  if (!isSmall && query.after) return { steps };
  const scarce = ScarceMatches.of(em);
  if (scarce.has(query)) steps.splice(0, steps.length - 1);
  return { steps, scarce };
}

/** Whether to test rows first, before finding them by indexes and sorting. */
function mayBeSorted(query: PageQuery): boolean {
  const { index, few } = allOf(query.conditions);
  return query.live && hasTests(query) && index !== undefined && few !== true;
}
