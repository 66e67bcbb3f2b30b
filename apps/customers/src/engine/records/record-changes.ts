import { snakeCase } from '@rapport/contracts';
import { etagVersion, formatEtag } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { isHiding } from '../fields/hidden-data.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { subjectOfRelated } from '../fields/related-records.js';
import { checkOwner, ownerOfNew } from './scope/record-owner.js';
import type { LinkedRecords } from './references.js';
import type { UniqueValue } from './unique-values.js';

/** @throws AppError INVALID_ARGUMENT when a request lacks its record */
export function sent<Message extends RecordMessage>({ singular }: RecordType<Message>, request: object): Message {
  const record = (request as Record<string, unknown>)[singular];
  if (record) return record as Message;
  throw invalidArgument([{ field: singular, reason: 'REQUIRED', description: 'is required' }]);
}

/** The field with the parent of a record. */
export function parentField<Message extends RecordMessage>({
  contract,
  parentKey,
}: RecordType<Message>): Partial<Message> {
  return (contract.parent === undefined ? {} : { [contract.parent]: parentKey }) as Partial<Message>;
}

/**
 * A new record in its response form, from normalized content.
 *
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE
 */
export function newRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  wanted: Message,
  linked: LinkedRecords,
  id: string = uuidv7(),
): Message {
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  const owner = type.contract.options.owned ? ownerOfNew(wanted) : {};
  if (type.contract.options.owned) checkOwner(type, owner);
  return {
    ...wanted,
    ...owner,
    id,
    ...parentField(type),
    ...subjectOfRelated(type, wanted),
    etag: formatEtag(1),
    ...type.definition.stamp?.(linked.change(type, undefined, { ...wanted, id }), now),
    createTime: now,
    updateTime: now,
    deleteTime: undefined,
    createdBy: principalId,
    updatedBy: principalId,
    ...('mergedIntoId' in wanted && { mergedIntoId: undefined }),
  };
}

/**
 * A record with new content and its next version; `before` itself when the content is equal. Setting personal data that
 * is hidden from the caller always counts as a change: otherwise the version would reveal whether a guess is right.
 *
 * @param mask the given fields
 */
export function changedRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  before: Message,
  after: Message,
  { mask, linked }: { mask: readonly string[]; linked: LinkedRecords },
): Message {
  const isKnown = !isHiding() || !mask.some((field) => type.isPersonal(snakeCase(field)));
  const isSame = isKnown && type.encode(before).equals(type.encode(after));
  return isSame ? before : nextRecord(type, before, after, linked);
}

/**
 * A record with new content and its next version.
 *
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE
 */
export function nextRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  before: Message,
  after: Message,
  linked: LinkedRecords,
): Message {
  if (type.contract.options.owned) checkOwner(type, after, before);
  const change = nextChange(before);
  return {
    ...after,
    ...subjectOfRelated(type, after),
    ...change,
    ...type.definition.stamp?.(linked.change(type, before, after), change.updateTime),
  };
}

export function deletedRecord<Message extends RecordMessage>(record: Message): Message {
  const change = nextChange(record);
  return { ...record, ...change, deleteTime: change.updateTime };
}

/** The fields that every change updates. */
export function nextChange({
  etag,
  updateTime: before = '',
}: RecordMessage): Pick<RecordMessage, 'etag' | 'updateTime' | 'updatedBy'> {
  const now = new Date().toISOString();
  // Clocks of two processes differ: the times of a record never decrease.
  const updateTime = before > now ? before : now;
  return { etag: formatEtag(etagVersion(etag) + 1), updateTime, updatedBy: currentCaller().principalId };
}

/** @throws AppError NOT_FOUND, equal for a deleted record and one that never existed */
export function live<Message extends RecordMessage>(type: RecordType<Message>, record: Message | undefined): Message {
  if (record && !record.deleteTime) return record;
  throw notFound(type);
}

/** @param mergedInto id of the surviving record */
export function notFound({ constant, singular }: RecordType, mergedInto?: string): AppError {
  const metadata: Record<string, string> = mergedInto === undefined ? {} : { mergedInto };
  return new AppError('NOT_FOUND', `${constant}_NOT_FOUND`, `There is no such ${singular}.`, { metadata });
}

/** The field of a single-record request that has a unique value. */
export function fieldIn({ singular }: RecordType): (value: UniqueValue) => string {
  return ({ path }) => `${singular}.${path}`;
}
