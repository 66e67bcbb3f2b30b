import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { uniqueValues } from '../customer-keys.js';
import { customerContent, type CustomerContent } from '../customer-message.js';
import { copyRows, type ColumnValue } from './copy-rows.js';
import type { CustomerRecord, CustomerRecords } from './customer-record.js';

/** Each part of what a row decides on: its column, and its value in PostgreSQL's text form. */
const contentColumns: Record<keyof CustomerContent, [column: string, read: (content: CustomerContent) => ColumnValue]> =
  {
    kind: ['kind', ({ kind }) => kind],
    displayName: ['display_name', ({ displayName }) => displayName],
    givenName: ['given_name', ({ givenName }) => givenName ?? null],
    familyName: ['family_name', ({ familyName }) => familyName ?? null],
    jobTitle: ['job_title', ({ jobTitle }) => jobTitle ?? null],
    companyName: ['company_name', ({ companyName }) => companyName ?? null],
    company: ['company_id', ({ company }) => company?.[1] ?? null],
    emails: ['emails', ({ emails }) => JSON.stringify(emails)],
    phones: ['phones', ({ phones }) => JSON.stringify(phones)],
    addresses: ['addresses', ({ addresses }) => JSON.stringify(addresses)],
    externalIds: ['external_ids', ({ externalIds }) => JSON.stringify(externalIds)],
    domains: ['domains', ({ domains }) => arrayLiteral(domains)],
    tags: ['tags', ({ tags }) => arrayLiteral(tags)],
    lifecycleStage: ['lifecycle_stage', ({ lifecycleStage }) => lifecycleStage ?? null],
    ownerId: ['owner_id', ({ ownerId }) => ownerId ?? null],
    source: ['source', ({ source }) => source ?? null],
    searchText: ['search_text', ({ searchText }) => searchText],
    sortName: ['sort_name', ({ sortName }) => sortName],
  };

const contentNames = Object.values(contentColumns).map(([column]) => column);
const content = contentNames.join(', ');

/** Makes the temporary tables of an import. They go with its transaction. */
export async function createImportTables(em: EntityManager): Promise<void> {
  await em.execute('create temp table import_customer on commit drop as select * from customer limit 0');
  // Customers that a row of the file has met or created, and whether one of these rows gave its display name. Kept here
  // and not in memory, since a file has any number of rows.
  await em.execute(
    'create temp table import_met (customer_id uuid primary key, named boolean not null) on commit drop',
  );
}

/** Writes what rows made of their customers: new ones, changed ones, their keys, and that they were met. */
export async function writeRecords(em: EntityManager, records: CustomerRecords): Promise<void> {
  const met = [...records.all].filter((record) => record.met);
  const written = met.filter((record) => record.changed);
  if (written.length > 0) {
    await stage(em, written);
    await insertNew(em);
    await updateChanged(em);
    await insertKeys(em, written);
  }
  if (met.length > 0) await rememberMet(em, met);
}

/** A staged row without a version is new. */
async function stage(em: EntityManager, records: CustomerRecord[]): Promise<void> {
  const { tenantId } = currentCaller();
  await em.execute('truncate import_customer');
  const rows = records.map((record): ColumnValue[] => {
    const values = customerContent(tenantId, record.customer);
    return [record.id, record.stored ? '0' : null, ...Object.values(contentColumns).map(([, read]) => read(values))];
  });
  await copyRows(em, 'import_customer', ['id', 'version', ...contentNames], rows);
}

async function insertNew(em: EntityManager): Promise<void> {
  const { tenantId, principalId } = currentCaller();
  await em.execute(
    `insert into customer (tenant_id, id, ${content}, version, create_time, update_time, created_by, updated_by)
     select ?, id, ${content}, 1, statement_timestamp(), statement_timestamp(), ?, ?
     from import_customer where version is null order by id`,
    [tenantId, principalId, principalId],
  );
}

async function updateChanged(em: EntityManager): Promise<void> {
  const { tenantId, principalId } = currentCaller();
  await em.execute(
    `update customer set (${content}) = row (${contentNames.map((name) => `staged.${name}`).join(', ')}),
       version = customer.version + 1, update_time = statement_timestamp(), updated_by = ?
     from import_customer staged
     where staged.version is not null and customer.tenant_id = ? and customer.id = staged.id`,
    [principalId, tenantId],
  );
}

/** Rows only add keys. In one order for all: two imports of the same values wait for each other, not both for ever. */
async function insertKeys(em: EntityManager, records: CustomerRecord[]): Promise<void> {
  const added = records.flatMap(({ id, stored, customer }) => {
    const had = new Set(stored ? uniqueValues(stored).map(({ type, value }) => `${type} ${value}`) : []);
    return uniqueValues(customer)
      .filter(({ type, value }) => !had.has(`${type} ${value}`))
      .map(({ type, value }) => ({ type, value, customer_id: id }));
  });
  if (added.length === 0) return;
  await em.execute(
    `insert into customer_key (tenant_id, type, value, customer_id)
     select ?, type, value, customer_id
     from jsonb_to_recordset(?) as added (type text, value text, customer_id uuid)
     order by type, value`,
    [currentCaller().tenantId, JSON.stringify(added)],
  );
}

async function rememberMet(em: EntityManager, records: CustomerRecord[]): Promise<void> {
  await em.execute(
    `insert into import_met select * from jsonb_to_recordset(?) as met (customer_id uuid, named boolean)
     on conflict (customer_id) do update set named = excluded.named where import_met.named <> excluded.named`,
    [JSON.stringify(records.map(({ id, named }) => ({ customer_id: id, named })))],
  );
}

/** PostgreSQL's text form of text[]. */
function arrayLiteral(items: string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
