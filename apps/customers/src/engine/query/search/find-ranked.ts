import type { EntityManager } from '@mikro-orm/postgresql';
import { sortName } from '@rapport/contracts/filters';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { openStored, rowReader, type StoredRecord } from '../../records/record-rows.js';
import { allOf, indexed, type Sql } from '../filter/condition.js';
import { byCondition, executeEachWith, inOrder, type PlannerSettings } from '../list/planner-settings.js';
import { searchConditions, signsOnly, soughtWords, wordStartConditions } from '../list/search-conditions.js';
import { ownedRecords } from '../owned-records.js';
import { sortedStatement, windowRows, windowStatement, type RankedSearch } from './ranked-statements.js';
import { titleField, type SearchedType } from './searched-types.js';

/** A record that was found, and its rank, counted from 1. */
export interface RankedRecord {
  record: RecordMessage;
  rank: number;
}

/** The records of a type that were found, the best first. */
export interface FoundOfType extends SearchedType {
  rows: RankedRecord[];
}

type Row = StoredRecord<RecordMessage>;

/** Words of a search whose statements stay prepared: each number of them is another statement. */
const maxKeptWords = 2;

/**
 * Finds records of several types in one or two round trips, whatever their number.
 *
 * The first looks at the rows of each type that changed last. In a small tenant these are all; in a large one the page is full when many
 * records match. Where it is not, few records match, and the second finds them by indexes: the planner could not know, as its
 * statistics are of all tenants together. The records of some owners are found by indexes at once.
 *
 * @param limit most records of each type
 * @throws AppError INVALID_ARGUMENT QUERY_NOT_INDEXED for a `q` without letters and digits
 */
export async function findRanked(
  em: EntityManager,
  types: readonly SearchedType[],
  { tenantId, q, limit }: { tenantId: string; q: string; limit: number },
): Promise<FoundOfType[]> {
  if (soughtWords(q).length === 0) throw signsOnly();
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

/** What a search asks for, with the ranks of SearchMatch: the whole title, starts of words, and all that a list finds. */
export function rankedSearch(type: RecordType, tenantId: string, q: string, limit: number): RankedSearch {
  const title = indexed(`${type.table}.${type.sortColumn(titleField(type))} = ?`, [sortName(q.trim())]);
  const starts = wordStartConditions(type, q);
  const met = searchConditions(type, q);
  const scope = ownedRecords(type);
  const shapes = met.flatMap(({ shape }) => shape ?? []);
  const isKept = scope.length === 0 && shapes.length === met.length && shapes.length <= maxKeptWords;
  return {
    ...{ type, tenantId, limit, scope },
    // No index of starts, which many records have, beside that of the title.
    ranks: [allOf([title, ...starts.map(({ row }) => ({ row }))]), allOf(starts), allOf(met)],
    ...(isKept && { shape: shapes.join('_') }),
  };
}

/** A statement of a search, and what its rows are of. */
interface Step extends Sql {
  type: RecordType;
  name?: string;
}

export function windowStep(search: RankedSearch): Step {
  return { ...windowStatement(search), ...identityOf(search, 'window') };
}

/** @param worst rank of the rows that are found, counted from 1 */
export function sortedStep(search: RankedSearch, worst: number): Step {
  return { ...sortedStatement(search, worst), ...identityOf(search, `sorted_${worst}`) };
}

function identityOf({ type, shape }: RankedSearch, kind: string): Pick<Step, 'type' | 'name'> {
  return { type, ...(shape !== undefined && { name: `search_${kind}_${type.table}_${shape}` }) };
}

/** One good plan for each statement: the settings leave no other, whatever the values. */
function read(em: EntityManager, settings: PlannerSettings, steps: readonly Step[]): Promise<Row[][]> {
  const statements = steps.map(({ type, ...step }) => ({ ...step, row: rowReader(type) }));
  return executeEachWith<Row>(em, { ...settings, plan_cache_mode: 'force_generic_plan' }, statements);
}

function placed(searches: readonly RankedSearch[], rows: readonly Row[][]): ReadonlyMap<RankedSearch, Row[]> {
  return new Map(searches.map((search, index) => [search, rows[index] ?? []]));
}

/**
 * The worst rank of which a window may lack rows that belong into the answer. Undefined when it has all of them. What is found of a rank
 * comes with all better ones.
 */
function worstOpenRank({ ranks, limit }: RankedSearch, window: readonly Row[] | undefined): number | undefined {
  if (!window) return ranks.length;
  const [, tested, ...upTo] = (window[0]?.more ?? []).map(Number);
  if ((tested ?? 0) < windowRows) return undefined;
  const open = upTo.findLastIndex((count) => count < limit);
  return open < 0 ? undefined : open + 1;
}

/** The rows of the best ranks, and among equals those that changed last. A row that both round trips found is there once. */
function bestRows(rows: readonly Row[], limit: number): Row[] {
  const unique = new Map(rows.filter(({ record }) => record.id !== '').map((row) => [row.record.id, row]));
  const key = ({ record: { updateTime = '', id } }: Row) => `${updateTime} ${id}`;
  const sorted = [...unique.values()].sort((a, b) => rankOf(a) - rankOf(b) || (key(a) < key(b) ? 1 : -1));
  return sorted.slice(0, limit);
}

function rankOf(row: Row | undefined): number {
  return Number(row?.more[0]);
}
