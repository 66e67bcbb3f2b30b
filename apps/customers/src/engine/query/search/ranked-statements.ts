import { shownColumns } from '../../records/record-rows.js';
import type { RecordType } from '../../fields/record-type.js';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';

/** A search in the live records of one type of a tenant. */
export interface RankedSearch {
  type: RecordType;
  tenantId: string;
  /** What a record of each rank meets, the best rank first. What meets one meets those behind it too. */
  ranks: readonly Condition[];
  /** By which an index finds the records that the caller sees, when these are those of some owners. */
  scope: readonly Condition[];
  /** Rows to answer with at most: those of the best ranks, and among equals those that changed last. */
  limit: number;
  /** Keys of the parents whose records are searched, of a type whose records have parents. */
  parents?: readonly string[] | undefined;
  /** The same for searches whose statements differ in their parameters only; absent when there are too many such. */
  shape?: string;
}

/** Rows that a window has. */
export const windowRows = 2_000;

/**
 * Ranks the rows that changed last, `windowRows` at most. Each row ends with its rank, counted from 1, how many rows were tested, and how
 * many of them have each rank or a better one. They come with one row that has no id when none is found.
 */
export function windowStatement(search: RankedSearch): Sql {
  const { type, tenantId, ranks, limit } = search;
  const { table } = type;
  const searched = searchedRows(search);
  const rank = rankOf(ranks);
  const counts = ranks.map((_, index) => `count(*) filter (where rank <= ${index + 1}) as upto_${index + 1}`);
  const shown = ranks.map((_, index) => `counted.upto_${index + 1}`);
  return {
    sql: `with tested as materialized (
        select ${table}.update_time as key, ${table}.id as id, ${rank.sql} as rank from ${table}
        where ${searched.sql}
        order by ${table}.update_time desc, ${table}.id desc limit ${windowRows}
      ), counted as (
        select count(*) as tested, ${counts.join(', ')} from tested
      ), found as (
        select id, rank from tested where rank is not null order by rank, key desc, id desc limit ?
      )
      select ${shownColumns(type)}, found.rank, counted.tested, ${shown.join(', ')}
      from counted left join found on true left join ${table} on ${table}.tenant_id = ? and ${table}.id = found.id`,
    params: [...rank.params, ...searched.params, limit, tenantId],
  };
}

/** Finds all rows of a rank and the better ones by indexes, and sorts them. Each row ends with its rank. */
export function sortedStatement(search: RankedSearch, worst: number): Sql {
  const { type, ranks, scope, limit } = search;
  const { table } = type;
  const rank = rankOf(ranks.slice(0, worst));
  const { row, index = row } = allOf([...ranks.slice(worst - 1, worst), ...scope]);
  const where = joined([searchedRows(search), index], 'and');
  return {
    sql: `select ${shownColumns(type)}, ${rank.sql} as rank from ${table} where ${where.sql}
      order by rank, ${table}.update_time desc, ${table}.id desc limit ?`,
    params: [...rank.params, ...where.params, limit],
  };
}

/** The live records of the tenant, or of some parents. */
function searchedRows({ type: { table, contract }, tenantId, parents }: RankedSearch): Sql {
  const ofTenant = { sql: `${table}.tenant_id = ? and ${table}.delete_time is null`, params: [tenantId] };
  if (!parents) return ofTenant;
  // A test, and no condition of an index, as in `conditionOfParent`.
  const sql = `(${table}.${contract.parent} = any (?::text[])) is true`;
  const ofParents = { sql, params: [`{${parents.join(',')}}`] };
  return joined([ofTenant, ofParents], 'and');
}

/** The rank of a row; null of one that has none. Most rows are done with the worst one. */
function rankOf(ranks: readonly Condition[]): Sql {
  const better = ranks.slice(0, -1).map(({ row }, index) => ({ ...row, sql: `when ${row.sql} then ${index + 1}` }));
  const any = ranks.slice(-1).map(({ row }) => row);
  const choice = better.length === 0 ? '1' : `case ${better.map(({ sql }) => sql).join(' ')} else ${ranks.length} end`;
  return {
    sql: `case when ${any.map(({ sql }) => sql).join('')} then ${choice} end`,
    params: [...any, ...better].flatMap(({ params }) => params),
  };
}
