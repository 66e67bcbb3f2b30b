import { setImmediate as letOthersWork } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { arrayLiteral } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { CustomFields } from '../custom-fields/custom-fields.js';
import { customerContent, indexVersion, type CustomerContent } from '../customer-message.js';
import { addedKeys } from './added-keys.js';
import { copyRows, type ColumnValue } from './copy-rows.js';
import type { CustomerRecord } from './customer-record.js';

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
    birthDate: ['birth_date', ({ birthDate }) => birthDate ?? null],
    customFields: ['custom_fields', ({ customFields }) => JSON.stringify(customFields)],
    searchText: ['search_text', ({ searchText }) => searchText],
    sortName: ['sort_name', ({ sortName }) => sortName],
    familySortName: ['family_sort_name', ({ familySortName }) => familySortName ?? null],
    companySortName: ['company_sort_name', ({ companySortName }) => companySortName ?? null],
    terms: ['terms', ({ terms }) => arrayLiteral(terms)],
    orderValues: ['order_values', ({ orderValues }) => JSON.stringify(orderValues)],
    indexVersion: ['index_version', () => String(indexVersion)],
  };

const contentNames = Object.values(contentColumns).map(([column]) => column);
const content = contentNames.join(', ');

/**
 * Writes new and changed customers and their keys.
 *
 * @param operationId of the operation that keeps what its undoing needs
 */
export async function writeRecords(
  em: EntityManager,
  records: CustomerRecord[],
  customFields: CustomFields,
  operationId?: string,
): Promise<void> {
  await em.execute(
    `create temp table if not exists import_customer on commit delete rows
     as select id, version, ${content}, null::jsonb as before from customer limit 0`,
  );
  // While PostgreSQL writes one slice, the next one is made ready.
  let writing = Promise.resolve();
  for (let start = 0; start < records.length; start += sliceSize) {
    const rows = await stagedRows(records.slice(start, start + sliceSize), customFields, operationId !== undefined);
    await writing;
    writing = writeSlice(em, rows, operationId);
    // Thrown when it is waited for, which is later than Node takes for unhandled.
    writing.catch(() => undefined);
  }
  await writing;
  await insertKeys(em, records);
}

const sliceSize = 250;

/** Records that are made ready before others get their turn. */
const recordsPerTurn = 50;

/** A staged row without a version is new. */
async function stagedRows(
  records: CustomerRecord[],
  customFields: CustomFields,
  withBefore: boolean,
): Promise<ColumnValue[][]> {
  const { tenantId } = currentCaller();
  const rows: ColumnValue[][] = [];
  for (const record of records) {
    if (rows.length % recordsPerTurn === recordsPerTurn - 1) await letOthersWork();
    const values = customerContent(tenantId, record.customer, customFields);
    const before = withBefore && record.stored ? JSON.stringify(record.stored) : null;
    const version = record.stored ? '0' : null;
    rows.push([record.id, version, ...Object.values(contentColumns).map(([, read]) => read(values)), before]);
  }
  return rows;
}

/** The staging table stays with its connection; what is in it goes with the transaction. */
async function writeSlice(em: EntityManager, rows: ColumnValue[][], operationId: string | undefined): Promise<void> {
  await em.execute('truncate import_customer');
  await copyRows(em, 'import_customer', ['id', 'version', ...contentNames, 'before'], rows);
  await insertNew(em);
  if (rows.some(([, version]) => version !== null)) await updateChanged(em);
  if (operationId !== undefined) await rememberChanges(em, operationId);
}

async function insertNew(em: EntityManager): Promise<void> {
  const { tenantId, principalId } = currentCaller();
  await em.execute(
    `insert into customer (tenant_id, id, ${content}, lifecycle_stage_time,
       version, create_time, update_time, created_by, updated_by)
     select ?, id, ${content}, case when lifecycle_stage is not null then statement_timestamp() end,
       1, statement_timestamp(), statement_timestamp(), ?, ?
     from import_customer where version is null order by id`,
    [tenantId, principalId, principalId],
  );
}

async function updateChanged(em: EntityManager): Promise<void> {
  const { tenantId, principalId } = currentCaller();
  await em.execute(
    `update customer set (${content}) = row (${contentNames.map((name) => `staged.${name}`).join(', ')}),
       lifecycle_stage_time = case
         when staged.lifecycle_stage is not distinct from customer.lifecycle_stage then customer.lifecycle_stage_time
         when staged.lifecycle_stage is not null then statement_timestamp() end,
       version = customer.version + 1, update_time = statement_timestamp(), updated_by = ?
     from import_customer staged
     where staged.version is not null and customer.tenant_id = ? and customer.id = staged.id`,
    [principalId, tenantId],
  );
}

/** Rows only add keys. In one order for all: two imports of the same values wait for each other, not both for ever. */
async function insertKeys(em: EntityManager, records: CustomerRecord[]): Promise<void> {
  const added = addedKeys(records);
  if (added.length === 0) return;
  await em.execute(
    `insert into customer_key (tenant_id, type, value, customer_id)
     select ?, type, value, customer_id
     from jsonb_to_recordset(?) as added (type text, value text, customer_id uuid)
     order by type, value`,
    [currentCaller().tenantId, JSON.stringify(added)],
  );
}

/** A customer that an import changes for a second time keeps what it was before the first, unless another came between. */
async function rememberChanges(em: EntityManager, operationId: string): Promise<void> {
  const { tenantId } = currentCaller();
  await em.execute(
    `insert into import_change (tenant_id, operation_id, customer_id, before, version)
     select ?, ?, id, before, customer.version
     from import_customer staged join customer using (id) where customer.tenant_id = ?
     on conflict (tenant_id, operation_id, customer_id) do update
     set version = case when import_change.version = excluded.version - 1 then excluded.version else 0 end`,
    [tenantId, operationId, tenantId],
  );
}
