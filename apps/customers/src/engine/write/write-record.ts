import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, type FieldViolation } from '@rapport/platform';
import { assignOwners } from '../assignment/assign-owners.js';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import {
  applyUpdate,
  changeViolations,
  checkChange,
  checkedRecord,
  needsOthers,
  updatable,
} from '../records/apply-update.js';
import { claimValues, ownedValues, releaseValues, type OwnedValue } from '../records/claim-unique-values.js';
import { effectsOf } from '../records/effects.js';
import { expectLinks, noteTargets, type ExpectedLinks } from '../records/expected-links.js';
import { liveRecord, removedRecord } from '../records/missing-record.js';
import { changedRecord, deletedRecord, fieldIn, newRecord, nextChange, sent } from '../records/record-changes.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { RecordNumbers } from '../records/numbers/record-numbers.js';
import { insertRecords, lockRecords, updateRecords } from '../records/record-statements.js';
import {
  LinkedRecords,
  linksToOthers,
  neededLinks,
  newLinks,
  restrictedLinks,
  type Link,
} from '../records/references.js';
import { checkNamedOwners } from '../records/scope/named-owners.js';
import { settleChange } from '../records/settle-change.js';
import { uniqueValues, without, type UniqueValue } from '../records/unique-values.js';
import { readUpdateMask } from '../records/update-mask.js';
import { currentSeal } from '../sealing/seal.js';
import { createdBefore, idOfExchange, isKnownId } from './exchange-ids.js';

/** A request for one existing record. */
export interface RecordRequest {
  id: string;
  etag?: string | undefined;
}

/**
 * Creates the record of a request, in one round trip unless it has custom fields, or its links are not as expected.
 *
 * @param claimed unique value that was already claimed for the new record's id
 */
export async function createRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: { requestId?: string | undefined },
  claimed?: OwnedValue,
): Promise<Message> {
  const given = sent(type, request);
  const customFields = given.customFields ? await CustomFields.load(transaction, type) : new CustomFields([]);
  const wanted = checkedRecord(type, given, customFields);
  const links = newLinks(type, wanted, customFields);
  const { linked, checks } = await linkedOf(transaction, type, links, wanted);
  const made = newRecord(type, wanted, linked, claimed?.recordId ?? idOfExchange(request.requestId));
  const settled = await settleChange(transaction, type, linked.change(type, undefined, made));
  const { record: unassigned } = settled;
  const { owners, statements } = await assignOwners(transaction, type, [unassigned]);
  const numbers = await RecordNumbers.reserve(transaction, type, 1);
  const assigned = owners.size === 0 ? unassigned : { ...unassigned, ownerId: owners.get(unassigned.id) };
  const record = { ...assigned, ...numbers.next() };
  await currentSeal()?.prepare([type.subjectOf(record)]);
  const unclaimed = without(uniqueValues(type, wanted), claimed ? [claimed] : []);
  const explain = (error: unknown) => (isKnownId(type, error) ? createdBefore(type, record.id) : error);
  transaction.later(
    ...checks,
    { ...insertRecords(type, [record], customFields), explain },
    ...claimValues(type, ownedValues(record.id, unclaimed), fieldIn(type)),
    ...effectsOf(type, [linked.change(type, undefined, record)]),
    ...settled.statements,
    ...statements,
  );
  return record;
}

/** The targets of a new record's links: expected, or read and locked. */
async function linkedOf<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  links: readonly Link[],
  wanted: Message,
): Promise<ExpectedLinks> {
  const { isFresh, mayExpect } = transaction;
  const expected = mayExpect ? expectLinks(type, links) : undefined;
  // What is known may be stale. What is read decides about a violation.
  if (expected && changeViolations(type, expected.linked.change(type, undefined, wanted)).length === 0) return expected;
  const linked = await new LinkedRecords().lock(transaction, links, { type, ids: [] });
  linked.check(type, links);
  checkChange(type, linked.change(type, undefined, wanted));
  // A transaction that has written may have read what is never committed.
  if (isFresh) noteTargets(type, links, linked);
  return { linked, checks: [] };
}

export async function updateRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: RecordRequest & { updateMask?: string[] | undefined },
): Promise<Message> {
  const changes = sent(type, request);
  const mask = readUpdateMask(type, request.updateMask);
  const { record, ...known } = await readForChange(transaction, type, request.id, changes);
  const before = updatable(type, await liveRecord(transaction, type, request.id, record));
  await checkNamedOwners(type, changes, { before, mask });
  return changeRecord(transaction, type, before, known, { changes, mask, etag: request.etag });
}

/** Data that a change of a record needs. */
export interface Known {
  /** All definitions of the tenant for the record's type. */
  customFields: CustomFields;
  linked: LinkedRecords;
}

interface WantedChange<Message> {
  changes: Message;
  /** JSON names of the fields that take the values of `changes`. */
  mask: readonly string[];
  etag?: string | undefined;
  /** The field of the request that has a unique value. */
  fieldOf?: (value: UniqueValue) => string;
  /** Why the caller changes the record. */
  reason?: string | undefined;
  /** Violations of the rules of the type that the caller overrides. */
  isWaived?: ((violation: FieldViolation) => boolean) | undefined;
  /** Further writes of the caller, for the `settle` of the type. */
  beside?: object | undefined;
}

/** Changes a live record, whose row is locked. */
export async function changeRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  before: Message,
  { customFields, linked }: Known,
  { changes, mask, etag, fieldOf = fieldIn(type), reason, isWaived, beside }: WantedChange<Message>,
): Promise<Message> {
  checkEtag(etag, etagVersion(before.etag));
  const after = applyUpdate(type, before, changes, mask, customFields);
  const links = newLinks(type, after, customFields, before);
  await linked.lock(transaction, [...neededLinks(type, before), ...links]);
  linked.check(type, links);
  const isOverridden = checkChange(type, linked.change(type, before, after), isWaived);
  const changed = changedRecord(type, before, after, { mask, linked });
  if (changed === before) return before;
  const change = { ...linked.change(type, before, changed), remark: { reason, isOverridden }, beside };
  const { record, statements } = await settleChange(transaction, type, change);
  await currentSeal()?.prepare([type.subjectOf(record)]);
  const [had, has] = [uniqueValues(type, before), uniqueValues(type, after)];
  transaction.later(
    updateRecords(type, [record], customFields),
    ...releaseValues(type, ownedValues(record.id, without(had, has))),
    ...claimValues(type, ownedValues(record.id, without(has, had)), fieldOf),
    ...effectsOf(type, [{ ...change, after: record }]),
    ...statements,
  );
  return record;
}

export async function deleteRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: RecordRequest,
): Promise<Message> {
  const { record: stored, ...known } = await readForChange(transaction, type, request.id);
  const record = await liveRecord(transaction, type, request.id, stored);
  checkEtag(request.etag, etagVersion(record.etag));
  return removeRecord(transaction, type, record, known);
}

/** Deletes a live record, which is locked. @param fields that change with it */
export async function removeRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  record: Message,
  { customFields, linked }: Known,
  fields: Partial<Message> = {},
): Promise<Message> {
  const change = linked.change(type, record, { ...deletedRecord(record), ...fields });
  const { record: deleted, statements } = await settleChange(transaction, type, change);
  transaction.later(
    updateRecords(type, [deleted], customFields),
    ...releaseValues(type, ownedValues(record.id, uniqueValues(type, record))),
    ...effectsOf(type, [{ ...change, after: deleted }]),
    ...statements,
  );
  return deleted;
}

export async function undeleteRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: RecordRequest,
): Promise<Message> {
  const { constant, singular } = type;
  const { record, ...known } = await readForChange(transaction, type, request.id);
  if (!record) throw await removedRecord(transaction, type, request.id);
  if (record.deleteTime === undefined) {
    throw new AppError('FAILED_PRECONDITION', `${constant}_NOT_DELETED`, `The ${singular} is not deleted.`);
  }
  await type.definition.checkUndelete?.(transaction, record);
  checkEtag(request.etag, etagVersion(record.etag));
  return restoreRecord(transaction, type, record, known);
}

/** Makes a deleted record, which is locked, live again. @param fields that change with it */
export async function restoreRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  record: Message,
  { customFields, linked }: Known,
  fields: Partial<Message> = {},
): Promise<Message> {
  const links = restrictedLinks(type, record);
  await linked.lock(transaction, links);
  const change = linked.change(type, record, { ...record, ...nextChange(record), deleteTime: undefined, ...fields });
  const violations = [
    ...linked.violations(links),
    ...(needsOthers(type) ? (type.definition.guard?.(change) ?? []) : []),
  ];
  refuseUndelete(type, violations);
  const claims = claimValues(
    type,
    ownedValues(record.id, uniqueValues(type, record)),
    () => 'id',
    (error) => type.definition.explainTaken?.(error, record) ?? error,
  );
  const { record: undeleted, statements } = await settleChange(transaction, type, change);
  const effects = effectsOf(type, [{ ...change, after: undeleted }]);
  transaction.later(updateRecords(type, [undeleted], customFields), ...claims, ...effects, ...statements);
  return undeleted;
}

/** Refuses to undelete a record if a target of a RESTRICT reference is not live, or if the rules of its type changed meanwhile. */
function refuseUndelete({ singular }: RecordType, violations: readonly FieldViolation[]): void {
  const [first] = violations;
  if (!first) return;
  const message = `The ${singular} can not be restored: ${first.field} ${first.description}.`;
  throw new AppError('FAILED_PRECONDITION', first.reason, message);
}

/**
 * The record, live or deleted, with its row locked: of two editors with one etag, the second finds the new version.
 *
 * @param sent the requested content: records of other types in it are locked first
 */
export async function readForChange<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  id: string,
  sent?: Message,
): Promise<Known & { record: Message | undefined }> {
  const { records, ...known } = await readAllForChange(transaction, type, [id], sent ? linksToOthers(type, sent) : []);
  return { record: records.get(id), ...known };
}

/** The same for several records, by id. @param links to records of other types, which are locked first */
export async function readAllForChange<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  ids: readonly string[],
  links: readonly Link[] = [],
): Promise<Known & { records: Map<string, Message> }> {
  const linked = new LinkedRecords();
  const others = linked.statements(links, { type, ids });
  const results = await transaction.run(...others, lockRecords(type, ids), ...CustomFields.statements(type));
  const [rows = [], definitions = []] = results.slice(others.length);
  const records = await openStored(type, rows as unknown as StoredRecord<Message>[]);
  linked.add(results.slice(0, others.length));
  return {
    records: new Map(records.map((record) => [record.id, record])),
    linked,
    customFields: new CustomFields(definitions as Definition[]),
  };
}
