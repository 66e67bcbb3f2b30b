import type { EntityManager } from '@mikro-orm/postgresql';
import { TotalMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { seesSomeOnly } from '@rapport/platform';
import { allOf, joined, type Condition, type Sql } from '../filter/condition.js';
import { byCondition, executeWith, ofAll, type PlannerSettings } from './planner-settings.js';

/** Customers of one tenant. */
export interface CountQuery {
  tenantId: string;
  live: boolean;
  /** All must be met. */
  conditions: Condition[];
}

/** How many customers there are, as exact as is asked for. Undefined when it is not asked for. */
export async function countCustomers(
  em: EntityManager,
  query: CountQuery,
  mode: TotalMode,
): Promise<number | undefined> {
  const { sql, params, settings } = matchingCustomers(query);
  const execute = <Row extends object>(select: string) =>
    executeWith<Row>(em, settings, { sql: `${select} ${sql}`, params });
  switch (mode) {
    case TotalMode.EXACT: {
      const [row] = await execute<{ count: string }>('select count(*) as count');
      return Number(row?.count);
    }
    case TotalMode.ESTIMATED: {
      // The planner's statistics are of records that the caller may not see, too.
      if (seesSomeOnly()) return countCustomers(em, query, TotalMode.EXACT);
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

/** `from customer where …` of the customers that meet the conditions, and what the planner must be told for it. */
export function matchingCustomers({ tenantId, live, conditions }: CountQuery): Sql & { settings: PlannerSettings } {
  const { row, index } = allOf(conditions);
  const isIndexed = live && index !== undefined;
  const ofTenant = {
    sql: `customer.tenant_id = ? and customer.delete_time is ${live ? '' : 'not '}null`,
    params: [tenantId],
  };
  const where = joined([ofTenant, isIndexed ? index : row], 'and');
  return { sql: `from customer where ${where.sql}`, params: where.params, settings: isIndexed ? byCondition : ofAll };
}
