import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { type StoredRecord, openStored } from '../../records/record-rows.js';
import { liveRecords } from '../../records/record-statements.js';
import { uniqueValues } from '../../records/unique-values.js';
import { addedKeys } from '../records/added-keys.js';
import type { CustomerRecord, CustomerRecords } from '../records/customer-record.js';
import {
  idsByName,
  keylessNames,
  maxNamesakes,
  maxNamesakesInAll,
  ownersByKey,
  ownIds,
  recordsOf,
} from '../records/find-records.js';
import type { CustomerStore } from '../chunks/import-chunk.js';
import { MetCustomers } from '../records/met-customers.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import { sortName } from '../../values/search-text.js';
import { customerType } from '../../records/customers/customer-type.js';

/**
 * The customers of the tenant with a dry run's changes laid over them. The changes are kept in tables of their own, so
 * that rows meet those of earlier chunks as in a real run, nobody waits for a lock, and a dry run can be paused and go on
 * like any other.
 */
export class DraftCustomers implements CustomerStore {
  readonly #met: MetCustomers;

  constructor(private readonly operationId: string) {
    this.#met = MetCustomers.of(operationId);
  }

  async find(em: EntityManager, rows: PreparedRow[]): Promise<CustomerRecords> {
    const { tenantId } = currentCaller();
    const found = [
      ...ownIds(rows),
      ...(await ownersByKey(em, rows)).flatMap(({ record_id }) => record_id ?? []),
      ...(await idsByName(em, tenantId, rows)),
      ...(await this.#draftIdsByKey(em, rows)),
      ...(await this.#draftIdsByName(em, rows)),
    ];
    const ids = [...new Set(found)];
    if (ids.length === 0) return recordsOf([], new Map());
    const stored = await queryRows<StoredRecord<CustomerMessage>>(em, liveRecords(customerType(), ids));
    const drafts = await em.execute<{ customer: CustomerMessage }[]>(
      'select customer from import_draft where tenant_id = ? and operation_id = ? and customer_id in (?)',
      [tenantId, this.operationId, ids],
    );
    const customers = new Map((await openStored(customerType(), stored)).map((customer) => [customer.id, customer]));
    for (const { customer } of drafts) customers.set(customer.id, customer);
    const inOrder = [...customers.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    return recordsOf(inOrder, await this.#met.find(em, ids));
  }

  async write(em: EntityManager, records: CustomerRecords): Promise<void> {
    const met = [...records.all].filter((record) => record.met);
    const written = met.filter((record) => record.changed);
    if (written.length > 0) await this.#writeDrafts(em, written);
    if (met.length > 0) await transactionPipeline(em, [this.#met.remember(met)]);
  }

  async #draftIdsByKey(em: EntityManager, rows: PreparedRow[]): Promise<string[]> {
    const values = rows.flatMap(({ customer }) => uniqueValues(customerType(), customer));
    if (values.length === 0) return [];
    const found = await em.execute<{ customer_id: string }[]>(
      `select customer_id from import_draft_key
       join (select distinct type, value from jsonb_to_recordset(?) as key (type text, value text)) wanted
         using (type, value)
       where tenant_id = ? and operation_id = ?`,
      [JSON.stringify(values), currentCaller().tenantId, this.operationId],
    );
    return found.map(({ customer_id }) => customer_id);
  }

  async #draftIdsByName(em: EntityManager, rows: PreparedRow[]): Promise<string[]> {
    const names = keylessNames(rows);
    if (names.length === 0) return [];
    const found = await em.execute<{ customer_id: string }[]>(
      `select namesake.customer_id
       from (select distinct * from jsonb_to_recordset(?) as name (sort_name text, display_name text)) wanted
       cross join lateral (
         select customer_id, row_number() over (order by customer_id) as place from (
           select customer_id from import_draft
           where tenant_id = ? and operation_id = ? and keyless_name = wanted.sort_name
             and customer ->> 'displayName' = wanted.display_name
           order by customer_id limit ${maxNamesakes}) first
       ) namesake
       order by place, customer_id limit ${maxNamesakesInAll}`,
      [JSON.stringify(names), currentCaller().tenantId, this.operationId],
    );
    return found.map(({ customer_id }) => customer_id);
  }

  async #writeDrafts(em: EntityManager, records: CustomerRecord[]): Promise<void> {
    const { tenantId } = currentCaller();
    const drafts = records.map(({ id, customer }) => ({
      customer_id: id,
      customer,
      keyless_name: uniqueValues(customerType(), customer).length === 0 ? sortName(customer.displayName ?? '') : null,
    }));
    await em.execute(
      `insert into import_draft (tenant_id, operation_id, customer_id, customer, keyless_name)
       select ?, ?, draft.*
       from jsonb_to_recordset(?) as draft (customer_id uuid, customer jsonb, keyless_name text)
       on conflict (tenant_id, operation_id, customer_id) do update
       set customer = excluded.customer, keyless_name = excluded.keyless_name`,
      [tenantId, this.operationId, JSON.stringify(drafts)],
    );
    await em.execute(
      `insert into import_draft_key (tenant_id, operation_id, type, value, customer_id)
       select ?, ?, type, value, "recordId"
       from jsonb_to_recordset(?) as added (type text, value text, "recordId" uuid)
       on conflict (tenant_id, operation_id, type, value) do update set customer_id = excluded.customer_id`,
      [tenantId, this.operationId, JSON.stringify(addedKeys(records))],
    );
  }
}
