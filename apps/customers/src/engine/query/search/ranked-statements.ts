import { shownColumns } from '../../records/record-rows.js';
import type { RecordType } from '../../fields/record-type.js';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';

/** A search in the live records of one type of a tenant. */
export interface RankedSearch {
  type: RecordType;
  tenantId: string;
  /** The condition of each rank, best first. Each condition implies the following ones. */
  ranks: readonly Condition[];
  /** The index condition of a caller's narrow scope. */
  scope: readonly Condition[];
  /** Most returned rows: those of the best ranks, and within a rank the most recently changed ones. */
  limit: number;
  /** Keys of the searched parents, for a type whose records have parents. */
  parents?: readonly string[] | undefined;
  /**
   * Equal for searches whose statements differ in their parameters only; absent when they are too diverse to prepare.
   */
  shape?: string;
}

/** Rows of a window. */
export const windowRows = 2_000;

/**
 * Ranks the most recently changed rows, at most `windowRows`. Each row ends with its rank, starting at 1, the number of
 * tested rows, and the number of them per rank, including better ranks. Without a match, these are columns of one row
 * without an id.
 */
export function windowStatement(search: RankedSearch): Sql {
  const { type, tenantId, ranks, limit } = search;
  const { table } = type;
  const searched = searchedRows(search);
  const rank = rankOf(ranks);
  const counts = ranks.map((_, index) => `count(*) filter (where match_rank <= ${index + 1}) as upto_${index + 1}`);
  const shown = ranks.map((_, index) => `counted.upto_${index + 1}`);
  return {
    sql: `with tested as materialized (
        select ${table}.update_time as key, ${table}.id as id, ${rank.sql} as match_rank from ${table}
        where ${searched.sql}
        order by ${table}.update_time desc, ${table}.id desc limit ${windowRows}
      ), counted as (
        select count(*) as tested, ${counts.join(', ')} from tested
      ), found as (
        select id, match_rank from tested where match_rank is not null order by match_rank, key desc, id desc limit ?
      )
      select ${shownColumns(type)}, found.match_rank, counted.tested, ${shown.join(', ')}
      from counted left join found on true left join ${table} on ${table}.tenant_id = ? and ${table}.id = found.id`,
    params: [...rank.params, ...searched.params, limit, tenantId],
  };
}

/** Finds all rows of a rank and better ones by indexes, and sorts them. Each row ends with its rank. */
export function sortedStatement(search: RankedSearch, worst: number): Sql {
  const { type, ranks, scope, limit } = search;
  const { table } = type;
  const rank = rankOf(ranks.slice(0, worst));
  const { row, index = row } = allOf([...ranks.slice(worst - 1, worst), ...scope]);
  const where = joined([searchedRows(search), index], 'and');
  return {
    sql: `select ${shownColumns(type)}, ${rank.sql} as match_rank from ${table} where ${where.sql}
      order by match_rank, ${table}.update_time desc, ${table}.id desc limit ?`,
    params: [...rank.params, ...where.params, limit],
  };
}

/** The live records of the tenant, or of some parents. */
function searchedRows({ type: { table, contract }, tenantId, parents }: RankedSearch): Sql {
  const ofTenant = { sql: `${table}.tenant_id = ? and ${table}.delete_time is null`, params: [tenantId] };
  if (!parents) return ofTenant;
  // As a test, not an index condition, as in `conditionOfParent`.
  const sql = `(${table}.${contract.parent} = any (?::text[])) is true`;
  const ofParents = { sql, params: [`{${parents.join(',')}}`] };
  return joined([ofTenant, ofParents], 'and');
}

/** The rank of a row; null without a match. Most rows only evaluate the worst rank. */
function rankOf(ranks: readonly Condition[]): Sql {
  const better = ranks.slice(0, -1).map(({ row }, index) => ({ ...row, sql: `when ${row.sql} then ${index + 1}` }));
  const any = ranks.slice(-1).map(({ row }) => row);
  const choice = better.length === 0 ? '1' : `case ${better.map(({ sql }) => sql).join(' ')} else ${ranks.length} end`;
  return {
    sql: `case when ${any.map(({ sql }) => sql).join('')} then ${choice} end`,
    params: [...any, ...better].flatMap(({ params }) => params),
  };
}
