import type { EntityManager } from '@mikro-orm/postgresql';
import { etagVersion, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { assignOwners } from '../../assignment/assign-owners.js';
import { BulkPace } from '../../pace/bulk-pace.js';
import type { RecordChange, RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import type { LinkedRecords } from '../../records/references.js';
import { newRecord, nextRecord } from '../../records/record-changes.js';
import { ownerOfNew } from '../../records/scope/record-owner.js';
import { RecordNumbers } from '../../records/numbers/record-numbers.js';
import { insertRows, recordRow, updateRows } from '../../records/record-statements.js';
import { settleChange } from '../../records/settle-change.js';
import { currentSeal } from '../../sealing/seal.js';
import { storedPart } from '../../sealing/sealed-messages.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import { Turn } from '../../pace/turn.js';
import type { ImportRecord } from './import-record.js';

/** Records per write, alone and beside calls: the next ones are prepared while PostgreSQL writes. */
const sliceSize = { alone: 125, beside: 10 };

/** Context of the write. */
interface WriteOptions {
  linked: LinkedRecords;
  customFields: CustomFields;
  /** Id of the operation whose undo data is stored. */
  operationId: string | undefined;
}

/**
 * Writes new and changed records, without their keys.
 *
 * @returns the records before and after; empty for a type without side effects
 */
export async function writeRecords(
  em: EntityManager,
  type: RecordType,
  records: ImportRecord[],
  options: WriteOptions,
): Promise<RecordChange<RecordMessage>[]> {
  const pace = BulkPace.of(em);
  const { owners, statements: assignments } = await assignOwners(em, type, newOnes(type, records));
  const created = records.filter(({ stored }) => !stored);
  const numbers = await RecordNumbers.reserve(em, type, created.length);
  const changes: RecordChange<RecordMessage>[] = [];
  let writing: Promise<unknown> = Promise.resolve();
  for (let start = 0, size = 0; start < records.length; start += size) {
    size = pace.step(sliceSize.alone, sliceSize.beside);
    const turn = new Turn(pace);
    // What settles changes reads by the same connection.
    if (type.definition.settle) await writing;
    const statements = await sliceStatements(type, records.slice(start, start + size), options, {
      ...{ em, turn, changes, owners, numbers },
    });
    await writing;
    writing = pace.keep(() => transactionPipeline(em, statements));
    // Thrown when awaited, which would be too late for Node: it would count as an unhandled rejection.
    writing.catch(() => undefined);
  }
  await writing;
  if (assignments.length > 0) await transactionPipeline(em, assignments);
  return changes;
}

/** The new records as their owners are chosen: the times of their creation are set when they are written. */
function newOnes({ contract }: RecordType, records: readonly ImportRecord[]): RecordMessage[] {
  if (!contract.options.owned) return [];
  return records.flatMap(({ stored, record, id }) => (stored ? [] : [{ ...record, ...ownerOfNew(record), id }]));
}

async function sliceStatements(
  type: RecordType,
  records: ImportRecord[],
  { linked, customFields, operationId }: WriteOptions,
  {
    em,
    turn,
    changes,
    owners,
    numbers,
  }: {
    em: EntityManager;
    turn: Turn;
    changes: RecordChange<RecordMessage>[];
    owners: ReadonlyMap<string, string>;
    numbers: RecordNumbers<RecordMessage>;
  },
): Promise<Statement[]> {
  const next: RecordPair[] = [];
  const settled: Statement[] = [];
  for (const { stored, record: wanted, id } of records) {
    if (turn.isOver) await turn.next();
    const ownerId = owners.get(id) ?? wanted.ownerId;
    const changed = stored
      ? nextRecord(type, stored, wanted, linked)
      : { ...newRecord(type, { ...wanted, ownerId }, linked, id), ...numbers.next() };
    const { record, statements } = await settleChange(em, type, linked.change(type, stored, changed));
    settled.push(...statements);
    next.push({ stored, record });
  }
  await prepareKeys(type, next);
  const [created, updated, remembered]: [string[], string[], string[]] = [[], [], []];
  const hasEffects = type.definition.also !== undefined;
  for (const { stored, record } of next) {
    if (turn.isOver) await turn.next();
    (stored ? updated : created).push(recordRow(type, record, customFields));
    if (operationId !== undefined) remembered.push(changeRow(type, record, stored));
    if (hasEffects) changes.push(linked.change(type, stored, record));
  }
  return [
    ...(created.length > 0 ? [insertRows(type, created)] : []),
    ...(updated.length > 0 ? [updateRows(type, updated)] : []),
    ...(operationId === undefined ? [] : [rememberChanges(operationId, remembered)]),
    ...settled,
  ];
}

/** A record as it will be stored, and as it is stored; undefined for one that is still to be created. */
interface RecordPair {
  stored: RecordMessage | undefined;
  record: RecordMessage;
}

/** A new record that is a subject itself has an id of this import. Which one is its subject can follow from its links. */
async function prepareKeys(type: RecordType, records: readonly RecordPair[]): Promise<void> {
  const seal = currentSeal();
  if (!seal) return;
  const isNew = ({ stored, record }: RecordPair) => !stored && type.subjectOf(record) === record.id;
  await seal.prepareNew(records.filter(isNew).map(({ record }) => record.id));
  await seal.prepare(
    records.flatMap(({ record, stored }) => [record, stored ?? record].map((each) => type.subjectOf(each))),
  );
}

/** The undo state is encrypted as its record was, so that an erasure destroys its key. */
function changeRow(type: RecordType, { id, etag }: RecordMessage, stored: RecordMessage | undefined): string {
  const before = stored && storedPart(type, type.subjectOf(stored), stored);
  return JSON.stringify({ customer_id: id, before, version: etagVersion(etag) });
}

/**
 * The first undo state of a record is retained when an import changes it again, unless another write came between. The
 * column `customer_id` has the name of an earlier release; it contains ids of records of the import's type.
 */
function rememberChanges(operationId: string, changes: string[]): Statement {
  return {
    name: 'remember_changes',
    sql: `insert into import_change (tenant_id, operation_id, customer_id, before, version)
      select $1, $2, customer_id, before, version
      from jsonb_to_recordset($3) as change (customer_id uuid, before jsonb, version int)
      on conflict (tenant_id, operation_id, customer_id) do update
      set version = case when import_change.version = excluded.version - 1 then excluded.version else 0 end`,
    values: [currentCaller().tenantId, operationId, `[${changes.join(',')}]`],
  };
}
