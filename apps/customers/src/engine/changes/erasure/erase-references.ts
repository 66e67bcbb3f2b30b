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
import {
  referredIds,
  referringFields,
  refersTo,
  type ReferringField,
} from '../../records/referring/referring-fields.js';
import { relatedOf, withRelated } from '../../fields/related-records.js';
import { uniqueFieldNames, uniqueValues, without } from '../../records/unique-values.js';
import { currentSeal, type Seal } from '../../sealing/seal.js';
import { allGenerations, type FormerKeys } from '../../sealing/subject-keys.js';
import { clearedRecord, hasPersonalData } from './cleared-record.js';
import { removeLinks, type ErasedRecord, type RemovedRow } from './erasure-statements.js';

/** Most records read, locked and written per step: a statement times out after 8 s, and a person may have very many. */
const pageSize = 1_000;

/** A page of the records that referred to erased ones. */
export interface ErasedReferences {
  /** Changed or removed records, as they were before. */
  onRecords: (records: readonly ErasedRecord[]) => Promise<void>;
  /** Their own keys, which decrypt their former data. */
  onKeys: (keys: readonly FormerKeys[]) => Promise<void>;
  /** Ids of the removed records' associations. */
  onAssociations: (ids: readonly string[]) => void;
}

/**
 * Applies `on_erase` to the records of all types that refer to erased records: removes them, or clears the reference and the personal
 * data of the erased records. Call it before the erased records are removed, while their rows are locked.
 *
 * @throws Error when a reference has no `on_erase`
 */
export async function eraseReferences(
  em: EntityManager,
  target: RecordType,
  ids: readonly string[],
  done: ErasedReferences,
): Promise<void> {
  await eraseTo(em, target, new Set(ids), done);
}

async function eraseTo(
  em: EntityManager,
  target: RecordType,
  ids: ReadonlySet<string>,
  done: ErasedReferences,
): Promise<void> {
  for (const { type, fields } of referrersOf(target)) {
    const customFields = await CustomFields.load(em, type);
    const namedIn = (record: RecordMessage) =>
      fields.filter((field) => referredIds(field, target, record).some((id) => ids.has(id)));
    const isRemoved = (record: RecordMessage) => namedIn(record).some(({ index }) => index.onErase === OnErase.REMOVE);
    for await (const records of referringPages(em, { target, type, fields }, ids)) {
      const removed = records.filter(isRemoved);
      if (removed.length > 0) await removeAll(em, type, removed, done);
      const left = records.filter((record) => !isRemoved(record));
      const changes = left.map((before) => withoutReferences(type, before, namedIn(before), ids));
      if (changes.length > 0) await putCleared(em, type, changes, { done, customFields });
    }
  }
}

/** A type, and its references to records of another type. */
interface Referrer {
  type: RecordType;
  fields: readonly ReferringField[];
}

const referrersOf = onceAmongTypes((target: RecordType): readonly Referrer[] => {
  const fields = referringFields(target).filter(
    // A type handles references between its own records itself, unless they have `on_erase`.
    ({ type, index, isFollowing }) => !isFollowing && (type !== target || index.onErase !== OnErase.UNSPECIFIED),
  );
  for (const { type, column, index, isRequired } of fields) {
    if (index.onErase === OnErase.UNSPECIFIED) throw new Error(`${type.plural}: ${column} lacks on_erase.`);
    // A foreign key does not allow the id of a removed record.
    if (isRequired && index.onErase !== OnErase.REMOVE) {
      throw new Error(`${type.plural}: ${column} is required, so that on_erase can only be REMOVE.`);
    }
  }
  return [...Map.groupBy(fields, ({ type }) => type)].map(([type, own]) => ({ type, fields: own }));
});

/** Pages of the records, live or deleted, that refer to any of the ids, locked, in the order of their ids. */
async function* referringPages(
  em: EntityManager,
  { target, type, fields }: Referrer & { target: RecordType },
  ids: ReadonlySet<string>,
): AsyncGenerator<RecordMessage[], void> {
  const { table } = type;
  const columns = fields.map(({ column }) => column);
  let last: string | undefined;
  do {
    const rows = await queryRows<StoredRecord>(em, {
      name: `lock_${table}s_by_${columns.join('_')}_of_${target.table}s`,
      sql: `select ${shownColumns(type)} from ${table}
        where tenant_id = $1 and (${fields.map((field) => refersTo(field, target, '$2::uuid[]')).join(' or ')})
          and ($3::uuid is null or id > $3)
        order by id limit ${pageSize} for update`,
      values: [currentCaller().tenantId, [...ids], last ?? null],
      row: rowReader(type),
    });
    const records = await openStored(type, rows);
    yield records;
    last = rows.length === pageSize ? records.at(-1)?.id : undefined;
  } while (last !== undefined);
}

async function removeAll(
  em: EntityManager,
  type: RecordType,
  records: RecordMessage[],
  done: ErasedReferences,
): Promise<void> {
  const ids = records.map(({ id }) => id);
  await eraseTo(em, type, new Set(ids), done);
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
  done.onAssociations((associations as RemovedRow[]).map(({ id }) => id));
  await done.onRecords(records.map((record) => ({ type, record })));
  // A record may have had a key of its own before it referred to a subject.
  if (currentSeal()) await done.onKeys(ids.map((id) => ({ customerId: id, formerGeneration: allGenerations })));
}

interface ClearedReference {
  before: RecordMessage;
  after: RecordMessage;
  /** Whether personal data was removed with the reference. */
  isCleared: boolean;
}

/** Clears the references of a record to erased records, and their personal data. */
function withoutReferences(
  type: RecordType,
  before: RecordMessage,
  named: readonly ReferringField[],
  ids: ReadonlySet<string>,
): ClearedReference {
  const subject = type.subjectOf(before);
  // The personal data of another subject stays. A record without a subject may hold data of any record it refers to.
  const isTheirs = ids.has(subject) || subject === before.id;
  const isCleared = hasPersonalData(type) && isTheirs && named.some(({ index }) => index.onErase === OnErase.CLEAR);
  const kept = isCleared ? clearedRecord(type, before) : before;
  const single = named.filter(({ isList }) => !isList);
  const related = relatedOf(type, kept).filter(({ id }) => !ids.has(id));
  const after = {
    ...(named.length > single.length ? withRelated(type, kept, related) : kept),
    ...Object.fromEntries(single.map(({ name }) => [name, undefined])),
    ...nextChange(before),
  };
  return { before, after, isCleared };
}

async function putCleared(
  em: EntityManager,
  type: RecordType,
  changes: readonly ClearedReference[],
  { done, customFields }: { done: ErasedReferences; customFields: CustomFields },
): Promise<void> {
  const cleared = changes.filter(({ isCleared }) => isCleared).map(({ before }) => before);
  await done.onRecords(cleared.map((record) => ({ type, record })));
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

/** Replaces the own keys of records, and encrypts again the other records that use these keys. */
async function renewKeys(
  em: EntityManager,
  seal: Seal,
  type: RecordType,
  ids: readonly string[],
  done: ErasedReferences,
): Promise<void> {
  const dependents = await openDependents(em, type, ids);
  await done.onKeys(await seal.renew(ids));
  await sealDependents(em, dependents);
}
