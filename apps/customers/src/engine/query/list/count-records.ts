import type { EntityManager } from '@mikro-orm/postgresql';
import { seesSomeOnly } from '@rapport/platform';
import type { RecordType } from '../../fields/record-type.js';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';
import { ofTenant } from './page-statements.js';
import { byCondition, executeWith, ofAll, type PlannerSettings } from './planner-settings.js';

/** Records of one tenant. */
export interface CountQuery {
  type: RecordType;
  tenantId: string;
  live: boolean;
  /** Conditions that must all hold. */
  conditions: Condition[];
}

/** Numbers of `TotalMode` in the contract. */
const modes = { estimated: 2, exact: 3 };

/** The number of records, as exact as requested. Undefined when not requested. */
export async function countRecords(em: EntityManager, query: CountQuery, mode: number): Promise<number | undefined> {
  const { sql, params, settings } = matchingRecords(query);
  const execute = <Row extends object>(select: string) =>
    executeWith<Row>(em, settings, { sql: `${select} ${sql}`, params });
  switch (mode) {
    case modes.exact: {
      const [row] = await execute<{ count: string }>('select count(*) as count');
      return Number(row?.count);
    }
    case modes.estimated: {
      // The planner's statistics include records that the caller can't see.
      if (seesSomeOnly()) return countRecords(em, query, modes.exact);
      const [row] = await execute<{ 'QUERY PLAN': ExplainedPlan[] }>('explain (format json) select');
      return row?.['QUERY PLAN'][0]?.Plan['Plan Rows'];
    }
    default:
      return undefined;
  }
}

interface ExplainedPlan {
  Plan: { 'Plan Rows': number };
}

/** `from <table> where …` of the matching records, with planner settings. */
export function matchingRecords(query: CountQuery): Sql & { settings: PlannerSettings } {
  const { type, live, conditions } = query;
  const { table } = type;
  const { row, index } = allOf(conditions);
  const isIndexed = live && index !== undefined;
  const where = joined([ofTenant(query, isIndexed), isIndexed ? index : row], 'and');
  return { sql: `from ${table} where ${where.sql}`, params: where.params, settings: isIndexed ? byCondition : ofAll };
}
