import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  BatchGetCustomersRequest,
  BatchGetCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { readForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { messagesOfRows, shownColumns, type CustomerRow } from '../records/customer-row.js';
import { liveCustomers } from '../records/customer-statements.js';
import { allOf, type Condition, type Sql } from './filter/condition.js';
import { ownConditions } from './list/list-conditions.js';
import { byId, executeWith } from './list/planner-settings.js';

type TestedRow = CustomerRow & { is_met?: boolean };

/** Answers BatchGetCustomers. */
export async function batchGetCustomers(
  em: EntityManager,
  { ids, filter = '' }: BatchGetCustomersRequest,
): Promise<BatchGetCustomersResponse> {
  const wanted = [...new Set(ids)];
  const conditions = await ownConditions(em, filter);
  const rows = conditions.length === 0 ? await readRows(em, wanted) : await readTested(em, wanted, conditions);
  const unmet = new Set(rows.filter(({ is_met }) => is_met === false).map(({ id }) => id));
  const byCustomerId = new Map((await messagesOfRows(rows)).map((customer) => [customer.id, customer]));
  return {
    customers: wanted.flatMap((id) => byCustomerId.get(id) ?? []),
    missingIds: wanted.filter((id) => !byCustomerId.has(id)),
    unmetIds: wanted.filter((id) => unmet.has(id)),
  };
}

function readRows(em: EntityManager, ids: readonly string[]): Promise<TestedRow[]> {
  return readForTenant<TestedRow>(em, liveCustomers(ids));
}

/** In one statement, so that what is tested is what is answered. */
function readTested(em: EntityManager, ids: readonly string[], conditions: Condition[]): Promise<TestedRow[]> {
  const { row: test } = allOf(conditions);
  const statement: Sql = {
    sql: `select ${shownColumns}, (${test.sql}) as is_met from customer
      where customer.tenant_id = ? and customer.id = any (?::uuid[]) and customer.delete_time is null`,
    params: [...test.params, currentCaller().tenantId, `{${ids.join(',')}}`],
  };
  return executeWith<TestedRow>(em, byId, statement);
}
