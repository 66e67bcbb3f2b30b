import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { etagVersion, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import { recordContract } from '../values/contract.js';
import { customerContent } from './customer-message.js';
import { shownColumns } from './customer-row.js';

/** What a customer is stored as, by the names that `customerContent` has for it: what callers decide on, and what is made of it. */
const contentColumns: readonly [name: string, column: string][] = [
  ...recordContract('rapport/Customer')
    .fields.filter(({ writable }) => writable !== 'NEVER')
    .map(({ name, column }): [string, string] => [name, column]),
  ['searchText', 'search_text'],
  ['sortName', 'sort_name'],
  ['familySortName', 'family_sort_name'],
  ['companySortName', 'company_sort_name'],
  ['terms', 'terms'],
  ['orderValues', 'order_values'],
  ['indexVersion', 'index_version'],
  ['sealed', 'sealed'],
];

const changedColumns = [
  ...contentColumns.map(([, column]) => column),
  ...['lifecycle_stage_time', 'version', 'update_time', 'delete_time', 'updated_by'],
];
const allColumns = [...changedColumns, 'id', 'create_time', 'created_by'];
const columns = allColumns.join(', ');
/** Columns of the type text[]. Other lists are JSON. */
const listColumns = new Set(['domains', 'tags', 'terms']);

// Made once: the text is compared with that of the prepared statement for each read.
const liveCustomer = `select ${shownColumns} from customer where tenant_id = $1 and id = $2 and delete_time is null`;

/** Reads live customers, in any order. */
export function liveCustomers(ids: readonly string[]): Statement {
  const [id, ...others] = ids;
  if (id !== undefined && others.length === 0) {
    return {
      name: 'live_customer',
      sql: liveCustomer,
      values: [currentCaller().tenantId, id],
      isQuick: true,
    };
  }
  return {
    name: 'live_customers',
    // The ids are one text, since PostgreSQL plans each call anew when it knows how many they are. LIMIT makes it look each customer
    // up by its key, however many ids it expects of a text.
    sql: `select found.* from string_to_table($2, ',') as wanted (id) cross join lateral (
        select ${shownColumns} from customer where tenant_id = $1 and customer.id = wanted.id::uuid and delete_time is null limit 1
      ) found`,
    values: [currentCaller().tenantId, ids.join(',')],
  };
}

/** A row without columns when there is such a customer, live or deleted. */
export function knownCustomer(id: string): Statement {
  return {
    name: 'known_customer',
    sql: 'select from customer where tenant_id = $1 and id = $2',
    values: [currentCaller().tenantId, id],
  };
}

/** Reads customers, live or deleted, and locks them in the order of their ids: two writers wait for each other, not both for ever. */
export function lockCustomers(ids: readonly string[]): Statement {
  const [id, ...others] = new Set(ids);
  if (id !== undefined && others.length === 0) {
    return {
      name: 'lock_customer',
      sql: `select ${shownColumns} from customer where tenant_id = $1 and id = $2 for update`,
      values: [currentCaller().tenantId, id],
    };
  }
  return {
    name: 'lock_customers',
    sql: `select ${shownColumns} from customer where tenant_id = $1 and id = any ($2::uuid[]) order by id for update`,
    values: [currentCaller().tenantId, [...new Set(ids)]],
  };
}

/** Most people of companies that are deleted in one transaction. */
export const maxCompanyPeople = 10_000;

/** Why `leaveCompanies` refuses. */
export const companyTooLarge = 'COMPANY_TOO_LARGE';

/**
 * Takes companies that are deleted from their people, deleted ones included, since they may come back. Refuses with `companyTooLarge`
 * when they are more than `maxCompanyPeople`.
 */
export function leaveCompanies(ids: readonly string[]): Statement {
  return {
    name: 'leave_companies',
    sql: `with people as (
        select id from customer where tenant_id = $1 and company_id = any ($2::uuid[]) order by id
        limit ${maxCompanyPeople + 1} for update)
      update customer set company_id = null, version = version + 1, update_time = $3, updated_by = $4
      where tenant_id = $1 and id in (select id from people)
        and (select refuse_unless((select count(*) from people) <= ${maxCompanyPeople}, '${companyTooLarge}'))`,
    values: [currentCaller().tenantId, [...ids], new Date().toISOString(), currentCaller().principalId],
  };
}

/**
 * Stores new customers.
 *
 * @param customers as they will be shown, normalised
 */
export function insertCustomers(customers: readonly CustomerMessage[], customFields: CustomFields): Statement {
  const [only, ...others] = customers;
  if (only && others.length === 0) return insertCustomer(only, customFields);
  return insertRecords(customers.map((customer) => customerRecord(customer, customFields)));
}

const insertOne = `insert into customer (tenant_id, ${columns})
  values ($1, ${allColumns.map((_, index) => `$${index + 2}`).join(', ')})`;

/** Most customers are created one by one. Reading values takes PostgreSQL a tenth of the time of reading a JSON object with them. */
function insertCustomer(customer: CustomerMessage, customFields: CustomFields): Statement {
  const record = columnsOf(customer, customFields);
  const values = allColumns.map((column) => {
    const value = record[column];
    // pg makes a PostgreSQL array of a list, and JSON of any other object.
    return Array.isArray(value) && !listColumns.has(column) ? JSON.stringify(value) : value;
  });
  return { name: 'insert_customer', sql: insertOne, values: [currentCaller().tenantId, ...values] };
}

/** Stores what locked customers have become. */
export function updateCustomers(customers: readonly CustomerMessage[], customFields: CustomFields): Statement {
  return updateRecords(customers.map((customer) => customerRecord(customer, customFields)));
}

/** `insertCustomers` of records that `customerRecord` made. One statement for any number, since COPY can not be used here: not for tables with row-level security. */
export function insertRecords(records: readonly string[]): Statement {
  return {
    name: 'insert_customers',
    sql: `insert into customer (tenant_id, ${columns})
      select $1, ${columns} from jsonb_populate_recordset(null::customer, $2)`,
    values: [currentCaller().tenantId, `[${records.join(',')}]`],
  };
}

/** `updateCustomers` of records that `customerRecord` made. */
export function updateRecords(records: readonly string[]): Statement {
  return {
    name: 'update_customers',
    sql: `update customer set ${changedColumns.map((column) => `${column} = changed.${column}`).join(', ')}
      from jsonb_populate_recordset(null::customer, $2) as changed
      where customer.tenant_id = $1 and customer.id = changed.id`,
    values: [currentCaller().tenantId, `[${records.join(',')}]`],
  };
}

/** The columns of a customer by their names, as JSON. */
export function customerRecord(customer: CustomerMessage, customFields: CustomFields): string {
  return JSON.stringify(columnsOf(customer, customFields));
}

function columnsOf(customer: CustomerMessage, customFields: CustomFields): Record<string, unknown> {
  const content: Record<string, unknown> = customerContent(currentCaller().tenantId, customer, customFields);
  const values: Record<string, unknown> = {
    id: customer.id,
    lifecycle_stage_time: customer.lifecycleStageTime,
    version: etagVersion(customer.etag),
    create_time: customer.createTime,
    update_time: customer.updateTime,
    delete_time: customer.deleteTime,
    created_by: customer.createdBy,
    updated_by: customer.updatedBy,
  };
  for (const [name, column] of contentColumns) values[column] = content[name];
  values['company_id'] = customer.companyId;
  return values;
}
