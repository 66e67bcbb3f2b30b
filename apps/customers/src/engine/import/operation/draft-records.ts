import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import { type StoredRecord, openStored } from '../../records/record-rows.js';
import { sortedText } from '../../records/record-content.js';
import { liveRecords } from '../../records/record-statements.js';
import { neededLinks, type LinkedRecords } from '../../records/references.js';
import { uniqueValues } from '../../records/unique-values.js';
import { currentSeal } from '../../sealing/seal.js';
import { openPart, sealRecord } from '../../sealing/sealed-messages.js';
import { addedKeys } from '../records/added-keys.js';
import {
  findCandidates,
  keylessNames,
  maxNamesakesInAll,
  recordsOf,
  type Candidates,
} from '../records/find-records.js';
import { maxNamesakes, type ImportRecord, type ImportRecords } from '../records/import-record.js';
import { MetRecords } from '../records/met-records.js';
import type { RecordStore } from '../chunks/import-chunk.js';
import type { ImportRules } from '../import-rules.js';
import type { PreparedRow } from '../rows/prepare-row.js';

/**
 * The records of the tenant with the changes of a dry run on top. The changes are stored in tables of their own, so
 * that rows match the results of earlier chunks as in a real run, no other write waits for a lock, and a dry run can be
 * paused and resumed. The columns `customer_id` and `customer` of these tables have names from an earlier release; they
 * contain records of the operation's type.
 */
export class DraftRecords implements RecordStore {
  readonly #met: MetRecords;

  /** @param keySubject subject of the key that encrypts the drafts in an encrypted workspace: that of the file */
  constructor(
    private readonly rules: ImportRules,
    private readonly operationId: string,
    private readonly keySubject: string | undefined,
  ) {
    this.#met = MetRecords.of(operationId);
  }

  async candidates(em: EntityManager, rows: PreparedRow[]): Promise<Candidates> {
    const { ids, owners } = await findCandidates(em, this.rules, rows);
    const drafts = [...(await this.#draftIdsByKey(em, rows)), ...(await this.#draftIdsByName(em, rows))];
    // Only callers that see all records have operations: no owner is hidden.
    return { ids: [...new Set([...ids, ...drafts])], owners };
  }

  async find(em: EntityManager, { ids }: Candidates, linked: LinkedRecords): Promise<ImportRecords> {
    const { rules } = this;
    if (ids.length === 0) return recordsOf(rules, linked, [], new Map());
    const stored = await queryRows<StoredRecord>(em, liveRecords(rules.type, ids));
    const drafts = await em.execute<{ customer: RecordMessage }[]>(
      'select customer from import_draft where tenant_id = ? and operation_id = ? and customer_id in (?)',
      [currentCaller().tenantId, this.operationId, ids],
    );
    const records = new Map((await openStored(rules.type, stored)).map((record) => [record.id, record]));
    for (const { customer } of drafts) records.set(customer.id, await openPart(rules.type, customer));
    const inOrder = [...records.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
    await linked.lock(
      em,
      inOrder.flatMap((record) => neededLinks(rules.type, record)),
    );
    return recordsOf(rules, linked, inOrder, await this.#met.find(em, ids));
  }

  async write(em: EntityManager, records: ImportRecords): Promise<void> {
    const met = [...records.all].filter((record) => record.met);
    const written = met.filter((record) => record.changed);
    if (written.length > 0) await this.#writeDrafts(em, written);
    if (met.length > 0) await transactionPipeline(em, [this.#met.remember(met)]);
  }

  async #draftIdsByKey(em: EntityManager, rows: PreparedRow[]): Promise<string[]> {
    const values = rows.flatMap(({ record }) => uniqueValues(this.rules.type, record));
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
    const by = this.rules.names;
    const names = by ? keylessNames(this.rules, rows) : [];
    if (!by || names.length === 0) return [];
    // As `idsByName`: a sealed name can't be compared.
    const hasName =
      currentSeal() && this.rules.type.isPersonal(by.column) ? 'true' : `customer ->> '${by.field}' = wanted.name`;
    const found = await em.execute<{ customer_id: string }[]>(
      `select namesake.customer_id
       from (select distinct * from jsonb_to_recordset(?) as name (sort_name text, name text)) wanted
       cross join lateral (
         select customer_id, row_number() over (order by customer_id) as place from (
           select customer_id from import_draft
           where tenant_id = ? and operation_id = ? and keyless_name = wanted.sort_name and ${hasName}
           order by customer_id limit ${maxNamesakes}) first
       ) namesake
       order by place, customer_id limit ${maxNamesakesInAll}`,
      [JSON.stringify(names), currentCaller().tenantId, this.operationId],
    );
    return found.map(({ customer_id }) => customer_id);
  }

  async #writeDrafts(em: EntityManager, records: ImportRecord[]): Promise<void> {
    const { tenantId } = currentCaller();
    const { type, names } = this.rules;
    const seal = currentSeal();
    const subject = this.keySubject;
    if (seal && subject !== undefined) await seal.prepare([subject]);
    const stored = (record: RecordMessage) =>
      seal && subject !== undefined ? sealRecord(seal, type, subject, record) : record;
    const drafts = records.map(({ id, record }) => ({
      customer_id: id,
      customer: stored(record),
      keyless_name:
        names && uniqueValues(type, record).length === 0
          ? sortedText(type, names.column, this.rules.nameOf(record))
          : null,
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
      [tenantId, this.operationId, JSON.stringify(addedKeys(type, records))],
    );
  }
}
