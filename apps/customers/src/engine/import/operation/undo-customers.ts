import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { formatEtag, queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { ownersOf, valueText, type OwnerRow } from '../../records/claim-unique-values.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import { CustomField } from '../../fields/custom-field.entity.js';
import { uniqueValues } from '../../records/unique-values.js';
import { updateRecords } from '../../records/record-statements.js';
import { customerType } from '../../records/customers/customer-type.js';

/** What an import did to a customer. */
export interface Change {
  customer_id: string;
  /** What it was; null for one that the import created. */
  before: CustomerMessage | null;
  /** The version that the import left it with. */
  version: number;
}

/** The customers that have unique values by now which others, or they, had before, by the value. */
export async function formerKeyOwners(em: EntityManager, changes: readonly Change[]): Promise<Map<string, string>> {
  const values = changes.flatMap(({ before }) => (before ? uniqueValues(customerType(), before) : []));
  if (values.length === 0) return new Map();
  const owners = await queryRows<OwnerRow>(em, ownersOf(customerType(), values));
  // Callers that do not see all customers have no operations.
  return new Map(owners.flatMap((owner) => (owner.record_id === null ? [] : [[valueText(owner), owner.record_id]])));
}

/**
 * Which of some locked customers can not become what they were, because a customer that stays as it is has one of their former
 * unique values, or because two had the same one at different times.
 */
export async function blockedIds(em: EntityManager, changes: readonly Change[]): Promise<Set<string>> {
  const owners = await formerKeyOwners(em, changes);
  const undone = new Set(changes.map(({ customer_id }) => customer_id));
  const blocked = new Set<string>();
  // One that stays may be in the way of others.
  for (let count = -1; count !== blocked.size;) {
    count = blocked.size;
    const claims = new Map<string, string>();
    for (const { customer_id: id, before } of changes.filter((change) => !blocked.has(change.customer_id))) {
      const values = before ? uniqueValues(customerType(), before).map(valueText) : [];
      const isFree = values.every((value) => {
        const owner = owners.get(value) ?? id;
        return (owner === id || (undone.has(owner) && !blocked.has(owner))) && (claims.get(value) ?? id) === id;
      });
      if (!isFree) blocked.add(id);
      else for (const value of values) claims.set(value, id);
    }
  }
  return blocked;
}

/** Locks customers until the transaction ends, in one order for all. @returns their versions by id */
export async function lockCustomers(em: EntityManager, ids: string[]): Promise<Map<string, number>> {
  const rows = await em.execute<{ id: string; version: number }[]>(
    'select id, version from customer where tenant_id = ? and id in (?) order by id for update',
    [currentCaller().tenantId, ids],
  );
  return new Map(rows.map(({ id, version }) => [id, version]));
}

/**
 * Which of some locked customers anything refers to: whatever has a foreign key to them, but for their own keys, and the
 * custom fields of other customers. Nothing can begin to, since that needs the lock that we have.
 */
export async function linkedIds(em: EntityManager, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const links = await em.execute<{ table: string; column: string }[]>(
    `select conrelid::regclass::text as table, quote_ident(attname) as column
     from pg_constraint
     join pg_attribute on attrelid = conrelid and attnum = any (conkey) and attname <> 'tenant_id'
     where contype = 'f' and confrelid = 'customer'::regclass and conrelid <> 'customer_key'::regclass`,
  );
  const { tenantId } = currentCaller();
  const linked = new Set<string>();
  for (const { table, column } of links) {
    const rows = await em.execute<{ id: string }[]>(
      `select distinct ${column} as id from ${table} where tenant_id = ? and ${column} in (?)`,
      [tenantId, ids],
    );
    for (const { id } of rows) linked.add(id);
  }
  for (const id of await referencedIds(em, ids)) linked.add(id);
  return linked;
}

/** Values of a definition that is deleted are kept, and come back with it. */
async function referencedIds(em: EntityManager, ids: string[]): Promise<string[]> {
  const { tenantId } = currentCaller();
  const definitions = await em.find(CustomField, { tenantId, type: 'REFERENCE' }, { disableIdentityMap: true });
  const wanted = definitions.flatMap(({ key }) => ids.map((id) => ({ id, term: `x.${key}:${id}` })));
  if (wanted.length === 0) return [];
  const rows = await em.execute<{ id: string }[]>(
    `select distinct wanted.id
     from jsonb_to_recordset(?) as wanted (id uuid, term text)
     join (
       select customer.id as by, unnest(terms) as term from customer
       where tenant_id = ? and terms && array(select jsonb_array_elements_text(?))
     ) reference on reference.term = wanted.term and reference.by <> wanted.id`,
    [JSON.stringify(wanted), tenantId, JSON.stringify(wanted.map(({ term }) => term))],
  );
  return rows.map(({ id }) => id);
}

/** Which of some ids of companies are no customer any more, live or deleted. The others stay while the transaction runs. */
export async function missingCompanies(em: EntityManager, ids: string[]): Promise<Set<string>> {
  const missing = new Set(ids);
  if (ids.length === 0) return missing;
  const rows = await em.execute<{ id: string }[]>(
    'select id from customer where tenant_id = ? and id in (?) order by id for key share',
    [currentCaller().tenantId, [...missing]],
  );
  for (const { id } of rows) missing.delete(id);
  return missing;
}

/** Removes customers and their keys for good. */
export async function purgeCustomers(em: EntityManager, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const parameters = [currentCaller().tenantId, ids];
  await em.execute('delete from customer_key where tenant_id = ? and customer_id in (?)', parameters);
  await em.execute('delete from customer where tenant_id = ? and id in (?)', parameters);
}

/** Gives locked customers the content and the keys that they had, with their next version. None of them is blocked. */
export async function restoreCustomers(
  em: EntityManager,
  before: CustomerMessage[],
  customFields: CustomFields,
): Promise<void> {
  if (before.length === 0) return;
  const { tenantId, principalId } = currentCaller();
  const ids = before.map(({ id }) => id);
  const versions = await lockCustomers(em, ids);
  const restored = before.map((customer) => ({
    ...customer,
    etag: formatEtag((versions.get(customer.id) ?? 0) + 1),
    updateTime: new Date().toISOString(),
    updatedBy: principalId,
  }));
  await transactionPipeline(em, [updateRecords(customerType(), restored, customFields)]);
  const kept = before.flatMap((customer) =>
    uniqueValues(customerType(), customer).map(({ type, value }) => ({ type, value, customer_id: customer.id })),
  );
  await em.execute(
    `delete from customer_key where tenant_id = ? and customer_id in (?) and (type, value, customer_id) not in (
       select * from jsonb_to_recordset(?) as kept (type text, value text, customer_id uuid))`,
    [tenantId, ids, JSON.stringify(kept)],
  );
  // Those that the import had taken from them. Fails when a customer that is made just now has one.
  await em.execute(
    `insert into customer_key (tenant_id, type, value, customer_id)
     select ?, lost.* from (
       select * from jsonb_to_recordset(?) as kept (type text, value text, customer_id uuid)
       except select type, value, customer_id from customer_key where tenant_id = ? and customer_id in (?)
     ) lost order by type, value`,
    [tenantId, JSON.stringify(kept), tenantId, ids],
  );
}
