import type { EntityManager } from '@mikro-orm/postgresql';
import { snakeCase } from '@rapport/contracts';
import type {
  AggregateCustomersResponse,
  AggregateGroup,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { sumText } from '@rapport/money';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../fields/custom-fields.js';
import type { RecordType } from '../fields/record-type.js';
import { readTimeZone } from './aggregate/date-parts.js';
import { readGroups, type GroupColumn } from './aggregate/group-columns.js';
import { readSums, type SumColumn } from './aggregate/sum-columns.js';
import type { Sql } from './filter/condition.js';
import { matchingRecords, type CountQuery } from './list/count-records.js';
import { conditionsOf } from './list/list-conditions.js';
import { executeWith, type PlannerSettings } from './list/planner-settings.js';

const maxGroups = 1_000;

/** Request of the standard method `aggregate`. */
export interface AggregateRecordsRequest {
  filter?: string | undefined;
  q?: string | undefined;
  groupBy: readonly string[];
  sum: readonly string[];
  /** Time zone of date groups. UTC when unset. */
  timeZone?: string | undefined;
}

/** Handles the method `aggregate` of a type. */
export async function aggregateRecords(
  em: EntityManager,
  type: RecordType,
  { filter, q, groupBy, sum, timeZone }: AggregateRecordsRequest,
): Promise<AggregateCustomersResponse> {
  const { tenantId } = currentCaller();
  const { conditions } = await conditionsOf(em, type, { filter, q });
  const isCustom = [...groupBy, ...sum].some((name) => snakeCase(name).startsWith('custom_fields.'));
  const customFields = isCustom ? await CustomFields.load(em, type) : undefined;
  const columns = {
    groups: readGroups(type, groupBy, { customFields, timeZone: await readTimeZone(em, timeZone) }),
    sums: await readSums(em, type, sum, customFields),
  };
  const query = { type, tenantId, live: true, conditions };
  // A record with several values of a list is in several groups, and counts once in the total.
  const statements = columns.groups.some(({ isList }) => isList)
    ? [aggregateStatement(query, [], columns.sums), aggregateStatement(query, columns.groups, columns.sums)]
    : [aggregateStatement(query, columns.groups, columns.sums, true)];
  const rows: AggregateRow[] = [];
  for (const { settings, ...statement } of statements) {
    rows.push(...(await executeWith<AggregateRow>(em, settings, statement)));
  }
  const [totalRow, ...groupRows] = rows;
  const groups = groupRows.map((row) => aggregateGroup(row, columns.groups, columns.sums));
  return {
    total: totalRow && aggregateGroup(totalRow, [], columns.sums),
    groups: groups.slice(0, maxGroups),
    groupsOmitted: groups.length > maxGroups,
  };
}

type AggregateRow = Record<string, string | null>;

/**
 * Counts and sums of each group, with one group more than returned; of all records when there are no groups.
 *
 * @param withTotal whether to return those of all records first, from the same scan
 */
export function aggregateStatement(
  query: CountQuery,
  groups: GroupColumn[],
  sums: SumColumn[],
  withTotal = false,
): Sql & { settings: PlannerSettings } {
  const { table } = query.type;
  const { sql, params, settings } = matchingRecords(query);
  const values = groups.map(({ value }, index) => `${value} as group_${index}`);
  const names = groups.map((_, index) => `group_${index}`).join(', ');
  const columns = [...values, 'count(*) as count', ...sums.map((column, index) => `${column.sum} as sum_${index}`)];
  const [first] = groups;
  const order = [
    ...(withTotal && first ? [`grouping(${first.value}) desc`] : []),
    'count desc',
    ...groups.map(({ value }) => `${value} collate "C"`),
  ].join(', ');
  const sets = withTotal ? `grouping sets ((), (${names}))` : names;
  const grouping = first ? `group by ${sets} order by ${order} limit ?` : '';
  return {
    sql:
      `select ${columns.join(', ')} from (select ${table}.* ${sql}) ${table} ` +
      `${groups.map(({ join }) => join).join(' ')} ${grouping}`,
    params: [...params, ...(first ? [maxGroups + (withTotal ? 2 : 1)] : [])],
    settings,
  };
}

function aggregateGroup(row: AggregateRow, groups: GroupColumn[], sums: SumColumn[]): AggregateGroup {
  return {
    values: groups.map((_, index) => ({ value: row[`group_${index}`] ?? undefined })),
    count: Number(row['count']),
    // Money omits currencies that no record of the group has; numbers sum to zero.
    sums: sums.flatMap(({ field, currencyCode }, index) => {
      const value = row[`sum_${index}`] ?? (currencyCode === undefined ? '0' : undefined);
      return value === undefined ? [] : [{ field, value: sumText(value, currencyCode), currencyCode }];
    }),
  };
}
