import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { snakeCase } from '@rapport/contracts';
import { arrayLiteral } from '@rapport/persistence';
import type { Client } from 'pg';
import { from } from 'pg-copy-streams';
import type * as CustomFieldsModule from '../src/engine/fields/custom-fields.js';
import type * as CustomersModule from '../src/domain/customers/customers.js';
import type * as UniqueValuesModule from '../src/engine/records/unique-values.js';
import type * as RecordContentModule from '../src/engine/records/record-content.js';
import type { SeedCustomer, SeedLink, SeedTenant } from './seed-rows.ts';

/** The parts of the service that compute derived columns: built for Node, as sources for tests. */
export type SeedModel = Pick<typeof CustomFieldsModule, 'CustomFields'> &
  Pick<typeof CustomersModule, 'customers'> &
  Pick<typeof UniqueValuesModule, 'uniqueValues'> &
  Pick<typeof RecordContentModule, 'recordColumns' | 'textLists'>;

type Cell = string | null;

const batchSize = 5_000;
const tables = {
  customer: [
    ...['tenant_id', 'id', 'kind', 'display_name', 'given_name', 'family_name', 'job_title', 'company_name'],
    ...['company_id', 'emails', 'phones', 'addresses', 'external_ids', 'domains', 'tags', 'lifecycle_stage'],
    ...['owner_id', 'source', 'birth_date', 'custom_fields', 'search_text', 'sort_name', 'family_sort_name'],
    ...['company_sort_name', 'terms', 'order_values', 'index_version', 'version', 'lifecycle_stage_time'],
    ...['create_time', 'update_time', 'delete_time', 'created_by', 'updated_by'],
  ],
  customer_key: ['tenant_id', 'type', 'value', 'customer_id'],
  customer_association: [
    ...['tenant_id', 'id', 'from_customer_id', 'type', 'to_customer_id', 'role', 'labels', 'version', 'create_time'],
    'update_time',
  ],
};

/**
 * Writes a tenant's rows by COPY, a few thousand per transaction. COPY can't write to tables with row-level security,
 * so it fills temporary tables, from which the rows are inserted under the policies.
 *
 * @param client with the app role; no other statement may run on it meanwhile
 * @param onProgress called after each transaction with the number of written customers
 */
export async function loadTenant(
  client: Client,
  model: SeedModel,
  tenant: SeedTenant,
  onProgress: (customers: number) => void = () => undefined,
): Promise<void> {
  await client.query(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantId]);
  // The pending lists of GIN indexes are larger, and flushed from memory.
  await client.query(`set synchronous_commit = off; set gin_pending_list_limit = '64MB'; set work_mem = '256MB'`);
  for (const table of Object.keys(tables)) {
    await client.query(
      `create temporary table if not exists seed_${table} (like ${table} including defaults) on commit delete rows`,
    );
  }
  await client.query(
    `insert into custom_field select * from jsonb_populate_recordset(null::custom_field, $1) on conflict do nothing`,
    [JSON.stringify(tenant.definitions.map(snakeCased))],
  );
  const customFields = new model.CustomFields(tenant.definitions);
  for (const batch of batches(tenant.rows)) {
    await client.query('begin');
    await copy(
      client,
      'customer',
      batch.map((row) => customerCells(model, customFields, tenant.tenantId, row)),
    );
    await copy(
      client,
      'customer_key',
      batch.flatMap((row) => keyCells(model, tenant.tenantId, row)),
    );
    await copy(
      client,
      'customer_association',
      batch.flatMap(({ links }) => linkCells(tenant.tenantId, links)),
    );
    await client.query('commit');
    onProgress(batch.length);
  }
}

function* batches<Row>(rows: Iterable<Row>): Generator<Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function copy(client: Client, table: keyof typeof tables, rows: Cell[][]): Promise<void> {
  const columns = tables[table].join(', ');
  await pipeline(
    Readable.from(rows.map((row) => `${row.map(copyText).join('\t')}\n`)),
    client.query(from(`copy seed_${table} (${columns}) from stdin`)),
  );
  await client.query(`insert into ${table} (${columns}) select ${columns} from seed_${table}`);
}

/** Source: PostgreSQL's COPY, text format. */
function copyText(cell: Cell): string {
  const letters: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't' };
  return cell === null ? '\\N' : cell.replace(/[\\\n\r\t]/g, (letter) => `\\${letters[letter] ?? letter}`);
}

function customerCells(
  model: SeedModel,
  customFields: CustomFieldsModule.CustomFields,
  tenantId: string,
  { customer, version, createTime, updateTime, deleteTime }: SeedCustomer,
): Cell[] {
  const content = model.recordColumns(model.customers, { ...customer, etag: '"1"' }, customFields);
  const columns: Record<string, unknown> = {
    ...content,
    ...{ tenant_id: tenantId, version, created_by: 'seed', updated_by: 'seed' },
    lifecycle_stage_time: content['lifecycle_stage'] === null ? null : createTime,
    ...{ create_time: createTime, update_time: updateTime, delete_time: deleteTime ?? null },
  };
  const lists = model.textLists(model.customers);
  return tables.customer.map((column) => cellOf(columns[column], lists.has(column)));
}

function cellOf(value: unknown, isTextList: boolean): Cell {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (isTextList) return arrayLiteral(value as string[]);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Only live customers have unique values. */
function keyCells(model: SeedModel, tenantId: string, { customer, deleteTime }: SeedCustomer): Cell[][] {
  if (deleteTime) return [];
  return model.uniqueValues(model.customers, customer).map(({ type, value }) => [tenantId, type, value, customer.id]);
}

function linkCells(tenantId: string, links: SeedLink[]): Cell[][] {
  return links.map(({ id, fromCustomerId, type, toCustomerId, role, time }) => [
    ...[tenantId, id, fromCustomerId, type, toCustomerId, role, '{}', '1', time.toISOString(), time.toISOString()],
  ]);
}

function snakeCased(row: object): object {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [snakeCase(name), value]));
}
