import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { Method, RecordType } from '../fields/record-type.js';
import { Turns } from '../pace/bulk-pace.js';
import { applyUpdate, checkChange, checkedRecord, updatable } from '../records/apply-update.js';
import { changedRecord, deletedRecord, live, newRecord, parentField, sent } from '../records/record-changes.js';
import { newLinks } from '../records/references.js';
import { readUpdateMask } from '../records/update-mask.js';
import { methodDescriptor, validator } from '../values/contract.js';
import { BatchRecords } from './batch-records.js';

/** A batch in the form of the contract. */
export interface Batch<Item> {
  items: Item[];
  /** Number of a `BatchMode`. */
  mode: number;
}

/** An item that changes a record. */
interface UpdateItem {
  id: string;
  updateMask: string[];
  etag?: string | undefined;
}

/** The result of one item: the record, or the error that prevented the change. */
export type BatchOutcome<Message> = { record: Message } | { problem: AppError; violations: FieldViolation[] };

type DoItem<Message extends RecordMessage, Item> = (item: Item, records: BatchRecords<Message>) => Message;

/** Number of PER_ITEM among the modes of the contract. */
const perItem = 2;

/** Most violations that the error of an atomic batch lists. */
const maxViolations = 100;

export function createBatch<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  batch: Batch<object> | undefined,
): Promise<BatchOutcome<Message>[]> {
  return doBatch(transaction, type, batch, type.method('create'), (item, records) => {
    const wanted = checkedRecord(type, sent(type, item), records.customFields);
    records.unknownOwners.check(type, wanted);
    records.linked.check(type, newLinks(type, wanted, records.customFields));
    checkChange(type, records.linked.change(type, undefined, wanted));
    records.checkUnique(undefined, wanted);
    return records.put(newRecord(type, wanted, records.linked));
  });
}

export function updateBatch<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  batch: Batch<UpdateItem> | undefined,
): Promise<BatchOutcome<Message>[]> {
  return doBatch(transaction, type, batch, type.method('update'), (item, records) => {
    const mask = readUpdateMask(type, item.updateMask);
    const before = updatable(type, live(type, records.find(item.id)));
    checkEtag(item.etag, etagVersion(before.etag));
    const after = applyUpdate(type, before, sent(type, item), mask, records.customFields);
    records.unknownOwners.check(type, after, { before, mask });
    records.linked.check(type, newLinks(type, after, records.customFields, before));
    checkChange(type, records.linked.change(type, before, after));
    records.checkUnique(before.id, after);
    return records.put(changedRecord(type, before, after, { mask, linked: records.linked }));
  });
}

export function deleteBatch<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  batch: Batch<{ id: string; etag?: string | undefined }> | undefined,
): Promise<BatchOutcome<Message>[]> {
  return doBatch(transaction, type, batch, type.method('delete'), (item, records) => {
    const record = live(type, records.find(item.id));
    checkEtag(item.etag, etagVersion(record.etag));
    return records.put(deletedRecord(record));
  });
}

/**
 * Applies the items in memory, in order, to records read in one round trip, and queues all writes together.
 *
 * @param single the operation for one record: an item keeps the rules of its request
 * @throws AppError in atomic mode, when an item is wrong
 */
async function doBatch<Message extends RecordMessage, Item extends object>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  batch: Batch<Item> | undefined,
  single: Method,
  doItem: DoItem<Message, Item>,
): Promise<BatchOutcome<Message>[]> {
  if (!batch) throw invalidArgument([{ field: 'batch', reason: 'REQUIRED', description: 'is required.' }]);
  const rules = methodDescriptor(single.path).input;
  const ofParent = parentField(type);
  const refusals = batch.items.map((item) => {
    const violations = validator.violations(rules, { ...ofParent, ...item });
    return violations.length > 0 ? invalidArgument(violations) : undefined;
  });
  const records = await BatchRecords.load(
    transaction,
    type,
    batch.items.filter((_, index) => !refusals[index]),
  );
  const turns = new Turns();
  const outcomes = await turns.map(batch.items, (item, index) => refusals[index] ?? attempt(item, records, doItem));
  const errors = outcomes.flatMap((outcome, index) => (outcome instanceof AppError ? [{ outcome, index }] : []));
  if (batch.mode !== perItem && errors[0]) throw batchError(errors[0].outcome, errors);
  await records.write(turns);
  return outcomes.map((outcome) =>
    outcome instanceof AppError ? { problem: outcome, violations: violationsOf(outcome) } : { record: outcome },
  );
}

/** The record as the item left it, or the error of the item. */
function attempt<Message extends RecordMessage, Item>(
  item: Item,
  records: BatchRecords<Message>,
  doItem: DoItem<Message, Item>,
): Message | AppError {
  try {
    return doItem(item, records);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function batchError(first: AppError, errors: { outcome: AppError; index: number }[]): AppError {
  // Each wrong item comes first with one violation, so that all of them are named when there is room for that.
  const byItem = errors.map(({ outcome, index }) =>
    violationsOf(outcome).map(({ field, ...rest }) => ({ field: `batch.items[${index}].${field}`, ...rest })),
  );
  const named = [...byItem.flatMap(([head]) => head ?? []), ...byItem.flatMap(([, ...rest]) => rest)];
  return new AppError(first.code, first.reason, `batch.items[${errors[0]?.index}]: ${first.message}`, {
    violations: named.slice(0, maxViolations),
  });
}

/** Errors about the whole record say which part of the item led to them: their code is that of a problem. */
function violationsOf({ code, violations, reason, message }: AppError): FieldViolation[] {
  if (violations.length > 0) return violations;
  return [{ field: code === 'ABORTED' ? 'etag' : 'id', reason: reason as ViolationCode, description: message }];
}
