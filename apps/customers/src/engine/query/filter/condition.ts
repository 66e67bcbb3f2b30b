import type { Present } from '@rapport/contracts/filters';
import type { AppError } from '@rapport/platform';
import type { RecordType } from '../../fields/record-type.js';

/** A piece of SQL with a `?` for each parameter. */
export interface Sql {
  sql: string;
  params: (string | number)[];
}

/**
 * A condition on a record table in two forms, which are equivalent for live records.
 *
 * Scanning a list in its order and testing each row by `row` is best for unselective conditions, finding rows by
 * `index` for selective ones. The planner can't estimate the selectivity: its statistics cover all tenants together.
 */
export interface Condition {
  /** A cheap test of one row: it reads at most single entries of other tables. Never null. */
  row: Sql;
  /** Uses only an index, independent of the other conditions. Undefined when no index fits. */
  index?: Sql;
  /** The order of which the condition is a range, and the range for the column of that order. */
  range?: { orderedBy: string; on: (column: string) => Sql };
  /** True when so few records match that they are read and sorted at once. */
  few?: boolean;
  /** Equal for conditions with the same SQL, which then differ in their parameters only. */
  shape?: string;
}

/** The records of a comparison. */
export interface Compared {
  type: RecordType;
  /** Alias of the type's table in the condition. */
  table: string;
  /** Whether live records are selected. */
  live: boolean;
  present: Present;
  /** The user that `me` stands for; absent where no user asks. */
  userId: string | undefined;
}

/** A comparison with a field. */
export interface Asked extends Compared {
  /** Refuses comparisons that an encrypted field does not support. */
  encryptedError: (problem: string) => AppError;
}

/** One condition for both forms: an index can evaluate it, and a row too. */
export function indexed(sql: string, params: Sql['params'] = []): Condition {
  return { row: { sql: `(${sql}) is true`, params }, index: { sql, params } };
}

export function rowOnly(sql: string, params: Sql['params'] = []): Condition {
  return { row: { sql, params } };
}

/** SQL's NOT of an unknown comparison is unknown; a filter's negation means "everything else". */
export function negated({ row }: Condition): Condition {
  return { row: { sql: `(${row.sql}) is not true`, params: row.params } };
}

/** One condition needs an index; the others are tested on the rows that it finds. */
export function allOf(conditions: Condition[]): Condition {
  const row = joined(
    conditions.map((condition) => condition.row),
    'and',
  );
  if (!conditions.some(({ index }) => index)) return { row };
  const index = joined(
    conditions.map((condition) => condition.index ?? condition.row),
    'and',
  );
  return { row, index, few: conditions.some(({ few }) => few) };
}

/** Each condition needs an index. */
export function anyOf(conditions: Condition[]): Condition {
  const [only] = conditions;
  if (only && conditions.length === 1) return only;
  const row = joined(
    conditions.map((condition) => condition.row),
    'or',
  );
  const indexes = conditions.flatMap(({ index }) => index ?? []);
  if (indexes.length < conditions.length) return { row };
  return { row, index: joined(indexes, 'or'), few: conditions.every(({ few }) => few) };
}

/** @returns `true` or, for "or", `false` when there are no parts */
export function joined(parts: Sql[], word: 'and' | 'or'): Sql {
  if (parts.length === 0) return { sql: word === 'and' ? 'true' : 'false', params: [] };
  return {
    sql: parts.map(({ sql }) => (parts.length === 1 ? sql : `(${sql})`)).join(` ${word} `),
    params: parts.flatMap(({ params }) => params),
  };
}
