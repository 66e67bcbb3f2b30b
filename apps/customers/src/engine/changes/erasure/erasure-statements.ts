import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { linkTables } from '../../records/referring/link-tables.js';
import { uniqueValues } from '../../records/unique-values.js';

/** An erased record, as it was before. */
export interface ErasedRecord {
  type: RecordType;
  record: RecordMessage;
}

/** A row with the id of a removed record. */
export interface RemovedRow {
  id: string;
}

/** Removes one class of data, in steps. */
export interface Removal {
  dataClass: string;
  /** Removes up to a number of rows and returns them as `RemovedRow`. */
  statement: Statement;
}

/** The deletion of customers and of rows that refer to them, in order. @param limit most rows per step */
export function removeRecords(ids: readonly string[], limit: number): Removal[] {
  const remove = (dataClass: string, table: string, condition: string): Removal => ({
    dataClass,
    statement: {
      name: `erase_${table}`,
      sql: `delete from ${table} where tenant_id = $1 and id in (
          select id from ${table} where tenant_id = $1 and (${condition}) limit ${limit})
        returning id`,
      values: [currentCaller().tenantId, ids],
    },
  });
  const links = linkTables.map(({ table, from, to }) =>
    remove('associations', table, `${from} = any ($2::uuid[]) or ${to} = any ($2::uuid[])`),
  );
  return [
    ...links,
    remove('consents', 'consent', 'customer_id = any ($2::uuid[])'),
    remove('merges', 'customer_merge', 'customer_id = any ($2::uuid[]) or merged_id = any ($2::uuid[])'),
    remove('customers', 'customer', 'id = any ($2::uuid[])'),
  ];
}

/** Removes the associations of records of any types and returns them as `RemovedRow`. */
export function removeLinks(ids: readonly string[]): Statement {
  const removals = linkTables.map(
    ({ table, from, to }) => `${table}s as (
        delete from ${table} where tenant_id = $1 and (${from} = any ($2::uuid[]) or ${to} = any ($2::uuid[])) returning id)`,
  );
  return {
    name: 'erase_associations',
    sql: `with ${removals.join(', ')} ${linkTables.map(({ table }) => `select id from ${table}s`).join(' union all ')}`,
    values: [currentCaller().tenantId, ids],
  };
}

export function removeKeys(ids: readonly string[]): Statement {
  return {
    name: 'erase_customer_keys',
    sql: 'delete from customer_key where tenant_id = $1 and customer_id = any ($2::uuid[])',
    values: [currentCaller().tenantId, ids],
  };
}

/** A customer that held the data of an erased one, and the time range. */
export interface FormerMerge {
  customer_id: string;
  create_time: string;
  undo_time: string;
}

/** Reads rows of `FormerMerge`: undone merges of the customers into others. */
export function formerMerges(ids: readonly string[]): Statement {
  return {
    name: 'former_merges',
    sql: `select customer_id, create_time, undo_time from customer_merge
      where tenant_id = $1 and merged_id = any ($2::uuid[]) and undo_time is not null`,
    values: [currentCaller().tenantId, ids],
  };
}

/** Removes the customer from suppressions that come from withdrawn consents. */
export function anonymiseSuppressions(ids: readonly string[]): Statement {
  return {
    name: 'anonymise_suppressions',
    sql: `with known as (
        delete from suppression where tenant_id = $1 and customer_id = any ($2::uuid[]) returning *
      )
      insert into suppression (tenant_id, id, channel, address_hash, purpose, reason, create_time, created_by)
      select tenant_id, id, channel, address_hash, purpose, reason, create_time, created_by from known order by id
      on conflict (tenant_id, channel, address_hash, reason, purpose, customer_id) do nothing`,
    values: [currentCaller().tenantId, ids],
  };
}

/** Deletes the undo data of imports, and the drafts of dry runs, for records. */
export function removeImportLeftovers(records: readonly ErasedRecord[]): Statement[] {
  const { tenantId } = currentCaller();
  const ids = records.map(({ record }) => record.id);
  const keys = JSON.stringify(
    records.flatMap(({ type, record }) => uniqueValues(type, record)).map(({ type, value }) => ({ type, value })),
  );
  // Joins operations, since the primary keys of these tables start with the operation.
  const ofOperations = `(operation_id, customer_id) in (
    select operation.id, erased.id from operation cross join unnest($2::uuid[]) as erased (id)
    where operation.tenant_id = $1)`;
  const removed = (table: string, condition: string): Statement => ({
    name: `erase_${table}`,
    sql: `delete from ${table} where tenant_id = $1 and ${condition} returning operation_id`,
    values: [tenantId, ids],
  });
  const drafted: Statement = {
    name: 'erase_import_drafts',
    sql: `with drafted as (
        delete from import_draft_key using jsonb_to_recordset($2) as erased (type text, value text)
        where tenant_id = $1 and import_draft_key.type = erased.type and import_draft_key.value = erased.value
        returning operation_id, customer_id
      )
      delete from import_draft using drafted
      where import_draft.tenant_id = $1 and import_draft.operation_id = drafted.operation_id
        and import_draft.customer_id = drafted.customer_id
      returning import_draft.operation_id`,
    values: [tenantId, keys],
  };
  const tables = ['import_change', 'import_met', 'import_draft'];
  return [...tables.map((table) => removed(table, ofOperations)), drafted];
}

/**
 * Clears the messages of import issues that are about records or quote their values.
 *
 * @param quoted texts of the records
 */
export function eraseIssues(ids: readonly string[], quoted: readonly string[]): Statement {
  return {
    name: 'erase_import_issues',
    sql: `update operation_issue set message = 'Erased.'
      where tenant_id = $1 and message <> 'Erased.' and (customer_id = any ($2::uuid[]) or exists (
        select from unnest($3::text[]) as quoted (value) where position(quoted.value in message) > 0))
      returning operation_id`,
    values: [currentCaller().tenantId, [...ids], quoted.filter((value) => value !== '')],
  };
}

/** Deletes the values of records from the change log. Blocks the sequencer until the transaction ends, so run it last. */
export function eraseChanges(recordIds: readonly string[], since = '-infinity', until = 'infinity'): Statement {
  return {
    name: 'erase_changes',
    sql: 'select erase_changes($1::text[], $2::timestamptz, $3::timestamptz) as count',
    values: [recordIds, since, until],
  };
}
