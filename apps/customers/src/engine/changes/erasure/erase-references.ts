import type { EntityManager } from '@mikro-orm/postgresql';
import { OnErase } from '@rapport/contracts/rapport/api/v1/options';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import { onceAmongTypes, type RecordType } from '../../fields/record-type.js';
import { ownedValues, releaseValues } from '../../records/claim-unique-values.js';
import { openDependents, sealDependents } from '../../records/referring/dependent-records.js';
import { nextChange } from '../../records/record-changes.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../../records/record-rows.js';
import { updateRecords } from '../../records/record-statements.js';
import { referringFields, type ReferringField } from '../../records/referring/referring-fields.js';
import { uniqueFieldNames, uniqueValues, without } from '../../records/unique-values.js';
import { currentSeal, type Seal } from '../../sealing/seal.js';
import { allGenerations, type FormerKeys } from '../../sealing/subject-keys.js';
import { clearedRecord, hasPersonalData } from './cleared-record.js';
import { removeLinks, type ErasedRecord, type RemovedRow } from './erasure-statements.js';

/** Most records that one statement changes: it has 8 s. */
const statementSize = 1_000;

/** What an erasure did to records that referred to those which it erased. */
export interface ErasedReferences {
  /** Those that lost personal data or were removed, as they were. */
  records: ErasedRecord[];
  /** Keys of their own that open what they were. */
  keys: FormerKeys[];
  /** Ids of the associations of those that were removed. */
  associations: string[];
}

/**
 * Does to the records that refer to erased ones, of all types, what their contracts say: it removes them, or takes the reference and
 * personal data of the erased ones from them. Comes before the erased records are removed, whose rows are locked.
 *
 * @throws Error when a contract does not say what becomes of a reference
 */
export async function eraseReferences(
  em: EntityManager,
  target: RecordType,
  ids: readonly string[],
): Promise<ErasedReferences> {
  const done: ErasedReferences = { records: [], keys: [], associations: [] };
  const customFields = await CustomFields.load(em);
  await eraseTo(em, target, new Set(ids), { done, customFields });
  return done;
}

interface Work {
  done: ErasedReferences;
  customFields: CustomFields;
}

async function eraseTo(em: EntityManager, target: RecordType, ids: ReadonlySet<string>, work: Work): Promise<void> {
  for (const { type, fields } of referrersOf(target)) {
    const records = await lockReferring(em, { type, fields }, ids);
    const namedIn = (record: RecordMessage) =>
      fields.filter(({ name }) => ids.has((record as unknown as Record<string, string>)[name] ?? ''));
    const isRemoved = (record: RecordMessage) => namedIn(record).some(({ index }) => index.onErase === OnErase.REMOVE);
    const removed = records.filter(isRemoved);
    if (removed.length > 0) await removeAll(em, type, removed, work);
    const left = records.filter((record) => !isRemoved(record));
    for (let start = 0; start < left.length; start += statementSize) {
      const some = left.slice(start, start + statementSize);
      const changes = some.map((before) => withoutReferences(type, before, namedIn(before), ids));
      await putCleared(em, type, changes, work);
    }
  }
}

/** A type, and those of its fields that refer to records of another which can be erased. */
interface Referrer {
  type: RecordType;
  fields: readonly ReferringField[];
}

const referrersOf = onceAmongTypes((target: RecordType): readonly Referrer[] => {
  const fields = referringFields(target).filter(
    // What those of its own type do, the type does itself.
    ({ type, index }) => type !== target || index.onErase !== OnErase.UNSPECIFIED,
  );
  for (const { type, column, index, isRequired } of fields) {
    if (index.onErase === OnErase.UNSPECIFIED) throw new Error(`${type.plural}: ${column} lacks on_erase.`);
    // The database has no row with the id of one that is not there.
    if (isRequired && index.onErase !== OnErase.REMOVE) {
      throw new Error(`${type.plural}: ${column} is required, so that on_erase can only be REMOVE.`);
    }
  }
  return [...Map.groupBy(fields, ({ type }) => type)].map(([type, own]) => ({ type, fields: own }));
});

/** The records, live or deleted, that refer to any of others, locked in the order of their ids. */
async function lockReferring(
  em: EntityManager,
  { type, fields }: Referrer,
  ids: ReadonlySet<string>,
): Promise<RecordMessage[]> {
  const { table } = type;
  const columns = fields.map(({ column }) => column);
  const rows = await queryRows<StoredRecord>(em, {
    name: `lock_${table}s_by_${columns.join('_')}`,
    sql: `select ${shownColumns(type)} from ${table}
      where tenant_id = $1 and (${columns.map((column) => `${column} = any ($2::uuid[])`).join(' or ')})
      order by id for update`,
    values: [currentCaller().tenantId, [...ids]],
    row: rowReader(type),
  });
  return openStored(type, rows);
}

async function removeAll(em: EntityManager, type: RecordType, records: RecordMessage[], work: Work): Promise<void> {
  const ids = records.map(({ id }) => id);
  await eraseTo(em, type, new Set(ids), work);
  const { table } = type;
  const values = [currentCaller().tenantId, ids];
  const keys = {
    name: `erase_${table}_keys`,
    sql: `delete from ${table}_key where tenant_id = $1 and ${table}_id = any ($2::uuid[])`,
    values,
  };
  const [associations = []] = await transactionPipeline(em, [
    removeLinks(ids),
    ...(uniqueFieldNames(type).size > 0 ? [keys] : []),
    { name: `erase_${table}s`, sql: `delete from ${table} where tenant_id = $1 and id = any ($2::uuid[])`, values },
  ]);
  work.done.associations.push(...(associations as RemovedRow[]).map(({ id }) => id));
  work.done.records.push(...records.map((record) => ({ type, record })));
  // They may have had keys of their own before they referred to anybody.
  if (currentSeal()) work.done.keys.push(...ids.map((id) => ({ customerId: id, formerGeneration: allGenerations })));
}

interface ClearedReference {
  before: RecordMessage;
  after: RecordMessage;
  /** Whether personal data went with the reference. */
  isCleared: boolean;
}

/** A record that does not refer to erased ones any more, without personal data of theirs. */
function withoutReferences(
  type: RecordType,
  before: RecordMessage,
  named: readonly ReferringField[],
  ids: ReadonlySet<string>,
): ClearedReference {
  const subject = type.subjectOf(before);
  // Personal data of another record stays. Where none is named, it may be that of any which the record refers to.
  const isTheirs = ids.has(subject) || subject === before.id;
  const isCleared = hasPersonalData(type) && isTheirs && named.some(({ index }) => index.onErase === OnErase.CLEAR);
  const after = {
    ...(isCleared ? clearedRecord(type, before) : before),
    ...Object.fromEntries(named.map(({ name }) => [name, undefined])),
    ...nextChange(before),
  };
  return { before, after, isCleared };
}

async function putCleared(
  em: EntityManager,
  type: RecordType,
  changes: readonly ClearedReference[],
  { done, customFields }: Work,
): Promise<void> {
  const cleared = changes.filter(({ isCleared }) => isCleared).map(({ before }) => before);
  done.records.push(...cleared.map((record) => ({ type, record })));
  const seal = currentSeal();
  if (seal) {
    const ids = cleared.map(({ id }) => id);
    if (ids.length > 0) await renewKeys(em, seal, type, ids, done);
    await seal.prepare(changes.map(({ after }) => type.subjectOf(after)));
  }
  const released = changes.flatMap(({ before, after }) =>
    ownedValues(before.id, without(uniqueValues(type, before), uniqueValues(type, after))),
  );
  const records = changes.map(({ after }) => after);
  await transactionPipeline(em, [updateRecords(type, records, customFields), ...releaseValues(type, released)]);
}

/** Gives records other keys of their own than they have or had, and seals what else these seal anew. */
async function renewKeys(
  em: EntityManager,
  seal: Seal,
  type: RecordType,
  ids: readonly string[],
  done: ErasedReferences,
): Promise<void> {
  const dependents = await openDependents(em, type, ids);
  done.keys.push(...(await seal.renew(ids)));
  await sealDependents(em, dependents);
}
