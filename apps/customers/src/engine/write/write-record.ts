import { exchangeOriginPrefix } from '@rapport/contracts';
import { checkEtag, etagVersion, isUniqueViolation, type StatementTransaction } from '@rapport/persistence';
import { AppError, callContext } from '@rapport/platform';
import { validate as isUuid } from 'uuid';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import type { RecordMessage, RecordType } from '../fields/record-type.js';
import { applyUpdate, checkedRecord } from '../records/apply-update.js';
import { claimValues, ownedValues, releaseValues, type OwnedValue } from '../records/claim-unique-values.js';
import { liveRecord } from '../records/missing-record.js';
import {
  changedRecord,
  deletedRecord,
  fieldIn,
  newRecord,
  nextChange,
  notFound,
  sent,
} from '../records/record-changes.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { insertRecords, lockRecords, updateRecords } from '../records/record-statements.js';
import { LinkedRecords, newLinks } from '../records/references.js';
import { uniqueValues, without, type UniqueValue } from '../records/unique-values.js';
import { readUpdateMask } from '../records/update-mask.js';
import { currentSeal } from '../sealing/seal.js';

/** A request about one record that is stored. */
export interface RecordRequest {
  id: string;
  etag?: string | undefined;
}

/**
 * Creates the record of a request, in one round trip when it has no links and no custom fields.
 *
 * @param claimed one of its unique values that was claimed for the id that it shall have
 */
export async function createRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: { requestId?: string | undefined },
  claimed?: OwnedValue,
): Promise<Message> {
  const given = sent(type, request);
  const customFields = given.customFields ? await CustomFields.load(transaction) : new CustomFields([]);
  const wanted = checkedRecord(type, given, customFields);
  const links = newLinks(type, wanted, customFields);
  const linked = await LinkedRecords.lock(transaction, links);
  linked.check(type, links);
  const record = newRecord(type, wanted, claimed?.recordId ?? idOfExchange(request.requestId));
  await currentSeal()?.prepare([type.subjectOf(record)]);
  const unclaimed = without(uniqueValues(type, wanted), claimed ? [claimed] : []);
  const explain = (error: unknown) => (isKnownId(type, error) ? createdBefore(type, record.id) : error);
  transaction.later(
    { ...insertRecords(type, [record], customFields), explain },
    ...claimValues(type, ownedValues(record.id, unclaimed), fieldIn(type)),
  );
  return record;
}

/**
 * An exchange uses its request id as the id of the record that it creates. It can then check at any later time, and under any
 * principal, whether the create succeeded. Other callers rely on the idempotency key, which expires after 24 hours.
 */
function idOfExchange(requestId: string | undefined): string | undefined {
  const { origin = '' } = callContext.getStore()?.cause ?? {};
  return requestId !== undefined && origin.startsWith(exchangeOriginPrefix) && isUuid(requestId)
    ? requestId
    : undefined;
}

function isKnownId({ table }: RecordType, error: unknown): boolean {
  return isUniqueViolation(error) && (error as { constraint?: string }).constraint === `${table}_pkey`;
}

function createdBefore({ constant, singular }: RecordType, id: string): AppError {
  const message = `The ${singular} of this request was created before, and is not there any more.`;
  return new AppError('ALREADY_EXISTS', `${constant}_CREATED_BEFORE`, message, { metadata: { createdId: id } });
}

export async function updateRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: RecordRequest & { updateMask?: string[] | undefined },
): Promise<Message> {
  const changes = sent(type, request);
  const mask = readUpdateMask(type, request.updateMask);
  const [stored, customFields] = await readForChange(transaction, type, request.id);
  const before = await liveRecord(transaction, type, request.id, stored);
  return changeRecord(transaction, type, before, customFields, { changes, mask, etag: request.etag });
}

interface WantedChange<Message> {
  changes: Message;
  /** JSON names of the fields that take the values of `changes`. */
  mask: readonly string[];
  etag?: string | undefined;
  /** The field of the request that has a unique value. */
  fieldOf?: (value: UniqueValue) => string;
}

/**
 * Changes a live record, whose row is locked.
 *
 * @param customFields all that the tenant has
 */
export async function changeRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  before: Message,
  customFields: CustomFields,
  { changes, mask, etag, fieldOf = fieldIn(type) }: WantedChange<Message>,
): Promise<Message> {
  checkEtag(etag, etagVersion(before.etag));
  const after = applyUpdate(type, before, changes, mask, customFields);
  const links = newLinks(type, after, customFields, before);
  const linked = await LinkedRecords.lock(transaction, links);
  linked.check(type, links);
  const record = changedRecord(type, before, after, mask);
  if (record === before) return before;
  const [had, has] = [uniqueValues(type, before), uniqueValues(type, after)];
  transaction.later(
    updateRecords(type, [record], customFields),
    ...releaseValues(type, ownedValues(record.id, without(had, has))),
    ...claimValues(type, ownedValues(record.id, without(has, had)), fieldOf),
  );
  return record;
}

export async function deleteRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: RecordRequest,
): Promise<Message> {
  const [stored, customFields] = await readForChange(transaction, type, request.id);
  const record = await liveRecord(transaction, type, request.id, stored);
  checkEtag(request.etag, etagVersion(record.etag));
  const deleted = deletedRecord(record);
  transaction.later(
    updateRecords(type, [deleted], customFields),
    ...releaseValues(type, ownedValues(record.id, uniqueValues(type, record))),
    ...(type.definition.deleted?.([deleted]) ?? []),
  );
  return deleted;
}

export async function undeleteRecord<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  request: RecordRequest,
): Promise<Message> {
  const { constant, singular } = type;
  const [record, customFields] = await readForChange(transaction, type, request.id);
  if (!record) throw notFound(type);
  if (record.deleteTime === undefined) {
    throw new AppError('FAILED_PRECONDITION', `${constant}_NOT_DELETED`, `The ${singular} is not deleted.`);
  }
  await type.definition.checkUndelete?.(transaction, record);
  checkEtag(request.etag, etagVersion(record.etag));
  const undeleted = { ...record, ...nextChange(record), deleteTime: undefined };
  const claims = claimValues(
    type,
    ownedValues(record.id, uniqueValues(type, record)),
    () => 'id',
    (error) => type.definition.explainTaken?.(error, record) ?? error,
  );
  transaction.later(updateRecords(type, [undeleted], customFields), ...claims);
  return undeleted;
}

/** The record, live or deleted, with its row locked: of two editors with one etag the second meets the new version. */
async function readForChange<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  id: string,
): Promise<[record: Message | undefined, customFields: CustomFields]> {
  const [rows = [], definitions = []] = await transaction.run(lockRecords(type, [id]), CustomFields.statement());
  const [record] = await openStored(type, rows as unknown as StoredRecord<Message>[]);
  return [record, new CustomFields(definitions as Definition[])];
}
