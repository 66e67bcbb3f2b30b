import type { EntityManager } from '@mikro-orm/postgresql';
import { sortName } from '@rapport/contracts/filters';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { openStored, rowReader, type StoredRecord } from '../../records/record-rows.js';
import { allOf, indexed, type Sql } from '../filter/condition.js';
import { byCondition, executeEachWith, inOrder, type PlannerSettings } from '../list/planner-settings.js';
import { searchConditions, signsOnly, searchWords, wordStartConditions } from '../list/search-conditions.js';
import { ownedRecords } from '../owned-records.js';
import { sortedStatement, windowRows, windowStatement, type RankedSearch } from './ranked-statements.js';
import { titleField, type SearchedType } from './searched-types.js';

/** A found record and its rank, starting at 1. */
export interface RankedRecord {
  record: RecordMessage;
  rank: number;
}

/** The found records of a type, best first. */
export interface FoundOfType extends SearchedType {
  rows: RankedRecord[];
}

type Row = StoredRecord<RecordMessage>;

/** Most words of a search with prepared statements: each number of words is a statement of its own. */
const maxPreparedWords = 2;

/**
 * Finds records of several types in one or two round trips in total.
 *
 * The first round trip ranks the most recently changed rows of each type. In a small tenant these are all; in a large
 * one they fill the page when many records match. Otherwise few records match, and the second round trip finds them by
 * indexes: the planner can't decide this, because its statistics cover all tenants together. A narrow record scope uses
 * indexes at once.
 *
 * @param limit most records of each type
 * @throws AppError INVALID_ARGUMENT QUERY_NOT_INDEXED for a `q` without letters and digits
 */
export async function findRanked(
  em: EntityManager,
  types: readonly SearchedType[],
  { tenantId, q, limit }: { tenantId: string; q: string; limit: number },
): Promise<FoundOfType[]> {
  if (searchWords(q).length === 0) throw signsOnly();
  const searches = types.map(({ type, parents }) => ({ ...rankedSearch(type, tenantId, q, limit), parents }));
  const wide = searches.filter(({ scope }) => scope.length === 0);
  const windows = placed(wide, await read(em, inOrder, wide.map(windowStep)));
  const open = searches.flatMap((search) => {
    const worst = worstOpenRank(search, windows.get(search));
    return worst === undefined ? [] : [{ search, worst }];
  });
  const steps = open.map(({ search, worst }) => sortedStep(search, worst));
  const sorted = placed(
    open.map(({ search }) => search),
    await read(em, byCondition, steps),
  );
  return Promise.all(
    searches.map(async (search) => {
      const rows = bestRows([...(windows.get(search) ?? []), ...(sorted.get(search) ?? [])], limit);
      const records = await openStored(search.type, rows);
      return {
        type: search.type,
        parents: search.parents,
        rows: records.map((record, index) => ({ record, rank: rankOf(rows[index]) })),
      };
    }),
  );
}

/**
 * The conditions of a search, with the ranks of SearchMatch: the whole title, prefixes of words, and every match of a
 * list.
 */
export function rankedSearch(type: RecordType, tenantId: string, q: string, limit: number): RankedSearch {
  const title = indexed(`${type.table}.${type.sortColumn(titleField(type))} = ?`, [sortName(q.trim())]);
  const starts = wordStartConditions(type, q);
  const met = searchConditions(type, q);
  const scope = ownedRecords(type);
  const shapes = met.flatMap(({ shape }) => shape ?? []);
  const isPrepared = scope.length === 0 && shapes.length === met.length && shapes.length <= maxPreparedWords;
  return {
    ...{ type, tenantId, limit, scope },
    // Only the index of the title: an index of prefixes would find too many records.
    ranks: [allOf([title, ...starts.map(({ row }) => ({ row }))]), allOf(starts), allOf(met)],
    ...(isPrepared && { shape: shapes.join('_') }),
  };
}

/** A statement of a search, and the type of its rows. */
interface Step extends Sql {
  type: RecordType;
  name?: string;
}

export function windowStep(search: RankedSearch): Step {
  return { ...windowStatement(search), ...identityOf(search, 'window') };
}

/** @param worst rank of the rows to find, starting at 1 */
export function sortedStep(search: RankedSearch, worst: number): Step {
  return { ...sortedStatement(search, worst), ...identityOf(search, `sorted_${worst}`) };
}

function identityOf({ type, shape }: RankedSearch, kind: string): Pick<Step, 'type' | 'name'> {
  return { type, ...(shape !== undefined && { name: `search_${kind}_${type.table}_${shape}` }) };
}

/** Prepared: the settings leave one good plan for each statement. */
function read(em: EntityManager, settings: PlannerSettings, steps: readonly Step[]): Promise<Row[][]> {
  const statements = steps.map(({ type, ...step }) => ({ ...step, row: rowReader(type) }));
  return executeEachWith<Row>(em, { ...settings, plan_cache_mode: 'force_generic_plan' }, statements);
}

function placed(searches: readonly RankedSearch[], rows: readonly Row[][]): ReadonlyMap<RankedSearch, Row[]> {
  return new Map(searches.map((search, index) => [search, rows[index] ?? []]));
}

/**
 * The worst rank for which a window may have missed rows of the result. Undefined when it missed none. Finding a rank
 * by indexes includes all better ranks.
 */
function worstOpenRank({ ranks, limit }: RankedSearch, window: readonly Row[] | undefined): number | undefined {
  if (!window) return ranks.length;
  const [, tested, ...upTo] = (window[0]?.more ?? []).map(Number);
  if ((tested ?? 0) < windowRows) return undefined;
  const open = upTo.findLastIndex((count) => count < limit);
  return open < 0 ? undefined : open + 1;
}

/**
 * The rows of the best ranks, and within a rank the most recently changed ones. Removes duplicates of the two round
 * trips.
 */
function bestRows(rows: readonly Row[], limit: number): Row[] {
  const unique = new Map(rows.filter(({ record }) => record.id !== '').map((row) => [row.record.id, row]));
  const key = ({ record: { updateTime = '', id } }: Row) => `${updateTime} ${id}`;
  const sorted = [...unique.values()].sort((a, b) => rankOf(a) - rankOf(b) || (key(a) < key(b) ? 1 : -1));
  return sorted.slice(0, limit);
}

function rankOf(row: Row | undefined): number {
  return Number(row?.more[0]);
}
