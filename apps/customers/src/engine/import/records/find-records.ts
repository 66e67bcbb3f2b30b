import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { ownersOf, type OwnerRow } from '../../records/claim-unique-values.js';
import { type StoredRecord, openStored } from '../../records/record-rows.js';
import { lockRecords } from '../../records/record-statements.js';
import { LinkedRecords, newLinks } from '../../records/references.js';
import { uniqueValues } from '../../records/unique-values.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import { sortName } from '../../values/search-text.js';
import { leftOut, type PreparedRow } from '../rows/prepare-row.js';
import { customerType } from '../../records/customers/customer-type.js';
import { CustomerRecords } from './customer-record.js';
import { leaveOut } from './leave-out.js';
import type { MetCustomers } from './met-customers.js';

/** Most customers of one name and without any key that a row without one is compared with. */
export const maxNamesakes = 100;

/** Most of them for all rows of a chunk, each of which is in memory. Of names that have many the first ones are taken. */
export const maxNamesakesInAll = 5_000;

/**
 * The live customers that share a key with one of the rows, or have like one of them a name and no key, in the order of
 * their ids and locked until the transaction ends.
 */
export async function findRecords(em: EntityManager, rows: PreparedRow[], met: MetCustomers): Promise<CustomerRecords> {
  const { tenantId } = currentCaller();
  const owners = await ownersByKey(em, rows);
  const ids = [
    ...ownIds(rows),
    ...owners.flatMap(({ record_id }) => record_id ?? []),
    ...(await idsByName(em, tenantId, rows)),
  ];
  const type = customerType();
  const found = ids.length === 0 ? [] : await queryRows<StoredRecord<CustomerMessage>>(em, lockRecords(type, ids));
  const customers = await openStored(
    type,
    found.filter(({ record }) => record.deleteTime === undefined),
  );
  const records = recordsOf(customers, await met.find(em, ids));
  for (const { record_id, ...value } of owners) if (record_id === null) records.hide(value);
  return records;
}

/** @param met whether rows before gave their display names, for those that were met */
export function recordsOf(customers: CustomerMessage[], met: ReadonlyMap<string, boolean>): CustomerRecords {
  const records = new CustomerRecords();
  for (const stored of customers) {
    const named = met.get(stored.id);
    records.put({
      id: stored.id,
      stored,
      customer: stored,
      changed: false,
      met: named !== undefined,
      named: named ?? false,
    });
  }
  return records;
}

/** Takes out of the rows, with a WARNING, links that lead to no live customer. The others stay live meanwhile. */
export async function checkLinks(em: EntityManager, rows: PreparedRow[], customFields: CustomFields): Promise<void> {
  const links = rows.map(({ customer }) => newLinks(customerType(), customer, customFields));
  if (links.flat().length === 0) return;
  const linked = await new LinkedRecords().lock(em, links.flat());
  for (const [index, { customer, issues }] of rows.entries()) {
    const violations = linked.violations(links[index] ?? []);
    issues.push(...leaveOut(customer, violations).map(({ violation, value }) => leftOut(violation, value)));
  }
}

/** The ids of customers that rows name themselves. */
export function ownIds(rows: PreparedRow[]): string[] {
  return rows.flatMap(({ customer: { id } }) => (id === '' ? [] : [id]));
}

/** The owners of the keys of rows. */
export async function ownersByKey(em: EntityManager, rows: PreparedRow[]): Promise<OwnerRow[]> {
  const values = rows.flatMap(({ customer }) => uniqueValues(customerType(), customer));
  return values.length === 0 ? [] : queryRows<OwnerRow>(em, ownersOf(customerType(), values));
}

/** Customers without any key that have the name of a row without one. */
export async function idsByName(em: EntityManager, tenantId: string, rows: PreparedRow[]): Promise<string[]> {
  const names = keylessNames(rows);
  if (names.length === 0) return [];
  const found = await em.execute<{ id: string }[]>(
    `select namesake.id
     from (select distinct * from jsonb_to_recordset(?) as name (sort_name text, display_name text)) wanted
     cross join lateral (
       select id, row_number() over (order by id) as place from (
         select id from customer
         where tenant_id = ? and sort_name = wanted.sort_name and display_name = wanted.display_name
           and emails = '[]' and domains = '{}' and external_ids = '[]' and delete_time is null
         order by id limit ${maxNamesakes}) first
     ) namesake
     order by place, id limit ${maxNamesakesInAll}`,
    [JSON.stringify(names), tenantId],
  );
  return found.map(({ id }) => id);
}

/** The names of the rows that have no key to be known by. */
export function keylessNames(rows: PreparedRow[]): { sort_name: string; display_name: string }[] {
  return rows
    .filter(({ customer }) => uniqueValues(customerType(), customer).length === 0)
    .map(({ customer: { displayName = '' } }) => ({ sort_name: sortName(displayName), display_name: displayName }));
}
