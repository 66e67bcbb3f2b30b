import type { Present } from '@rapport/contracts/filters';
import type { AppError } from '@rapport/platform';
import type { RecordType } from '../../fields/record-type.js';

/** A piece of SQL with a `?` for each parameter. */
export interface Sql {
  sql: string;
  params: (string | number)[];
}

/**
 * A condition on the table customer in its two forms, which hold for the same rows of live customers.
 *
 * Reading a list in its order and testing each row by `row` is best for what many customers meet, finding them by `index`
 * for what few do. Which it is the planner can't know: its statistics are of all tenants together.
 */
export interface Condition {
  /** Tells it of one row without looking far: at most single entries of other tables. Never null. */
  row: Sql;
  /** What an index answers for itself, whatever else is asked. Undefined when none can. */
  index?: Sql;
  /** The order that the condition is a range of, and the range for the column that has that order. */
  range?: { orderedBy: string; on: (column: string) => Sql };
  /** True when so few customers meet it that they are read and sorted at once. */
  few?: boolean;
  /** The same for all conditions with the same SQL, which then differ in their parameters only. */
  shape?: string;
}

/** The records whose fields a comparison is of. */
export interface Compared {
  type: RecordType;
  /** Name that the type's table has in the condition. */
  table: string;
  /** Whether live records are asked for. */
  live: boolean;
  present: Present;
}

/** Something that a field of records is asked. */
export interface Asked extends Compared {
  /** Refuses what can not be asked of a field that is encrypted. */
  encryptedError: (problem: string) => AppError;
}

/** One condition for both: an index can answer it, and a row tells it. */
export function indexed(sql: string, params: Sql['params'] = []): Condition {
  return { row: { sql: `(${sql}) is true`, params }, index: { sql, params } };
}

export function rowOnly(sql: string, params: Sql['params'] = []): Condition {
  return { row: { sql, params } };
}

/** SQL's NOT of an unknown comparison is unknown; a filter means "everything else". */
export function negated({ row }: Condition): Condition {
  return { row: { sql: `(${row.sql}) is not true`, params: row.params } };
}

/** An index must answer one of the conditions; the others are tested on what it finds. */
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

/** An index must answer each of the conditions. */
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
