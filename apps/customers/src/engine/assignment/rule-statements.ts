import type { EntityManager } from '@mikro-orm/postgresql';
import type { AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import type { Statement, StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { recordType, type RecordType } from '../fields/record-type.js';
import { term } from '../fields/terms.js';
import { rowReader, shownColumns } from '../records/record-rows.js';
import { onceFor } from '../values/once-for.js';
import type { RuleTurns } from './choose-member.js';

/** An open transaction of the caller. */
export type Source = EntityManager | StatementTransaction;

function ruleType(): RecordType<AssignmentRule> {
  return recordType<AssignmentRule>('rapport/AssignmentRule');
}

/** The record types with active rules. Rows have `record_type`. */
export function readRuledTypes(): Statement {
  return {
    name: 'types_with_assignment_rules',
    sql: `select distinct record_type from assignment_rule
      where tenant_id = $1 and state = 'ACTIVE' and delete_time is null`,
    values: [currentCaller().tenantId],
  };
}

/**
 * The active rules of a record type, in the order in which they are tried. Their rows are locked until the transaction ends, so that
 * each choice sees the turns of those before it. The rows are `StoredRecord`.
 */
export function lockRules(type: string): Statement {
  return {
    name: 'lock_rules_of_type',
    sql: `select ${shownColumns(ruleType())} from assignment_rule
      where tenant_id = $1 and record_type = $2 and state = 'ACTIVE' and delete_time is null
      order by position, create_time, id for no key update`,
    values: [currentCaller().tenantId, type],
    row: rowReader(ruleType()),
  };
}

/** Calendars, live or deleted. The rows are `StoredRecord`. */
export function readCalendars(ids: readonly string[]): Statement {
  const type = recordType('rapport/Calendar');
  return {
    name: 'calendars_of_members',
    sql: `select ${shownColumns(type)} from calendar where tenant_id = $1 and id = any ($2::uuid[])`,
    values: [currentCaller().tenantId, [...ids]],
    row: rowReader(type),
  };
}

/** A row of `readTurns`. */
export interface TurnRow {
  rule_id: string;
  /** Text of a `RuleTurns`. Null before the first turn of the rule. */
  turns: string | null;
  /** Ids of its members, and of its fallback, that are disabled or deleted. */
  inactive: string[];
}

/**
 * The turns and inactive users of the active rules of a record type. Run it after their lock: a statement sees what was committed
 * before it starts.
 */
export function readTurns(type: string): Statement {
  return {
    name: 'assignment_turns',
    sql: `select rule.id as rule_id, (
          select json_build_object('turn', turn, 'time', time, 'members', members)::text
          from assignment_turn where tenant_id = $1 and rule_id = rule.id) as turns,
        array(select user_id::text from user_state where tenant_id = $1 and is_inactive and user_id = any (
          array(select (member ->> 'userId')::uuid from jsonb_array_elements(rule.members) member)
          || rule.fallback_user_id)) as inactive
      from assignment_rule rule
      where tenant_id = $1 and record_type = $2 and state = 'ACTIVE' and delete_time is null`,
    values: [currentCaller().tenantId, type],
  };
}

export function writeTurns(ruleId: string, { turn, time, members }: RuleTurns): TransactionStatement {
  return {
    name: 'write_assignment_turns',
    sql: `insert into assignment_turn (tenant_id, rule_id, turn, time, members) values ($1, $2, $3, $4, $5)
      on conflict (tenant_id, rule_id) do update
      set turn = excluded.turn, time = excluded.time, members = excluded.members`,
    values: [currentCaller().tenantId, ruleId, turn, time, JSON.stringify(members)],
  };
}

/** The numbers of open records of owners. Rows have `owner_id` and `open`. @param exceptIds records that do not count */
export function countOpen(type: RecordType, ownerIds: readonly string[], exceptIds: readonly string[]): Statement {
  const { table, definition } = type;
  const { statusColumn = 'status' } = definition;
  const statuses = definition.openStatuses?.map((status) => `'${status}'`).join(', ');
  return {
    name: `open_${table}s_of_owners`,
    // The owner is among the terms, which have an index.
    sql: `select wanted.id as owner_id, counted.open from unnest($2::uuid[], $3::text[]) as wanted (id, term)
      cross join lateral (
        select count(*)::int as open from ${table}
        where tenant_id = $1 and delete_time is null and terms @> array[wanted.term] and owner_id = wanted.id
          and id <> all ($4::uuid[])
          ${statuses === undefined ? '' : `and ${statusColumn} in (${statuses})`}) counted`,
    values: [currentCaller().tenantId, ownerIds, ownerIds.map((id) => term(type, 'owner_id', id)), exceptIds],
  };
}

/** The field of a type that names the customer of a record: for customers, that of a person's company. */
export const customerField = onceFor((type: RecordType) =>
  type.contract.fields.find(({ column, reference }) => reference === 'rapport/Customer' && column !== 'merged_into_id'),
);

/** For each customer, its owner and that of the newest record of a type with this customer. */
export interface AcquaintanceRow {
  customer_id: string;
  customer_owner: string | null;
  same_customer: string | null;
}

/** @param userIds the members of the rule. @param exceptIds records that do not count */
export function readAcquaintances(
  { table }: RecordType,
  column: string,
  { customerIds, userIds, exceptIds }: Record<'customerIds' | 'userIds' | 'exceptIds', readonly string[]>,
): Statement {
  return {
    name: `acquaintances_by_${table}_${column}`,
    sql: `select customer.id as customer_id, customer.owner_id as customer_owner, (
        select owner_id from ${table} newest
        where newest.tenant_id = $1 and newest.${column} = customer.id and newest.delete_time is null
          and newest.owner_id = any ($3::uuid[]) and newest.id <> all ($4::uuid[])
        order by newest.create_time desc, newest.id desc limit 1) as same_customer
      from customer where customer.tenant_id = $1 and customer.id = any ($2::uuid[])`,
    values: [currentCaller().tenantId, customerIds, userIds, exceptIds],
  };
}
