import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  BatchMode,
  CustomersServiceService,
  type BatchProblem,
  type BatchResult,
  type CreateCustomerItem,
  type DeleteCustomerItem,
  type UpdateCustomerItem,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, invalidArgument, type FieldViolation } from '@rapport/platform';
import { applyUpdate, checkedCustomer } from '../records/apply-update.js';
import { Turns } from '../pace/bulk-pace.js';
import { methodDescriptor, validator } from '../values/contract.js';
import { changedCustomer, deletedCustomer, live, newCustomer, sent } from '../records/customer-changes.js';
import { readUpdateMask } from '../records/update-mask.js';
import { BatchRecords } from './batch-records.js';

/** A batch of any kind, as the contract has it. */
interface Batch<Item> {
  items: Item[];
  mode: BatchMode;
}

/** What an item of any kind may have. */
interface Item {
  id?: string;
  customer?: CustomerMessage | undefined;
  etag?: string | undefined;
}

type DoItem<Kind> = (item: Kind, records: BatchRecords) => CustomerMessage;

/** Most violations that the error of an atomic batch lists. */
const maxViolations = 100;

export function createBatch(transaction: StatementTransaction, batch: Batch<CreateCustomerItem> | undefined) {
  return doBatch(transaction, batch, CustomersServiceService.createCustomer, (item, records) => {
    const wanted = checkedCustomer(sent(item), records.customFields);
    records.linked.check(wanted, records.customFields);
    records.checkUnique(undefined, wanted);
    return records.put(newCustomer(wanted));
  });
}

export function updateBatch(transaction: StatementTransaction, batch: Batch<UpdateCustomerItem> | undefined) {
  return doBatch(transaction, batch, CustomersServiceService.updateCustomer, (item, records) => {
    const mask = readUpdateMask(item.updateMask);
    const before = live(records.find(item.id));
    checkEtag(item.etag, etagVersion(before.etag));
    const after = applyUpdate(before, sent(item), mask, records.customFields);
    records.linked.check(after, records.customFields, before);
    records.checkUnique(before.id, after);
    return records.put(changedCustomer(before, after, mask));
  });
}

export function deleteBatch(transaction: StatementTransaction, batch: Batch<DeleteCustomerItem> | undefined) {
  return doBatch(transaction, batch, CustomersServiceService.deleteCustomer, (item, records) => {
    const customer = live(records.find(item.id));
    checkEtag(item.etag, etagVersion(customer.etag));
    return records.put(deletedCustomer(customer));
  });
}

/**
 * Decides on each item in memory, in order, against records that were read at once, and writes what came of it at once.
 *
 * @param single the operation for one customer: an item keeps the rules of its request
 * @throws AppError in atomic mode, when an item is wrong
 */
async function doBatch<Kind extends Item>(
  transaction: StatementTransaction,
  batch: Batch<Kind> | undefined,
  single: { path: string },
  doItem: DoItem<Kind>,
): Promise<{ results: BatchResult[] }> {
  if (!batch) throw invalidArgument([{ field: 'batch', reason: 'REQUIRED', description: 'is required.' }]);
  const rules = methodDescriptor(single.path).input;
  const refusals = batch.items.map((item) => {
    const violations = validator.violations(rules, item);
    return violations.length > 0 ? invalidArgument(violations) : undefined;
  });
  const records = await BatchRecords.load(
    transaction,
    batch.items.filter((_, index) => !refusals[index]),
  );
  const turns = new Turns();
  const outcomes = await turns.map(batch.items, (item, index) => refusals[index] ?? attempt(item, records, doItem));
  const errors = outcomes.flatMap((outcome, index) => (outcome instanceof AppError ? [{ outcome, index }] : []));
  if (batch.mode !== BatchMode.PER_ITEM && errors[0]) throw batchError(errors[0].outcome, errors);
  await records.write(turns);
  return {
    results: outcomes.map((outcome) =>
      outcome instanceof AppError
        ? { customer: undefined, problem: problemOf(outcome) }
        : { customer: outcome, problem: undefined },
    ),
  };
}

/** The customer that the item left, or the reason why it left none. */
function attempt<Kind>(item: Kind, records: BatchRecords, doItem: DoItem<Kind>): CustomerMessage | AppError {
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

/** Errors about the whole record say which part of the item led to them. */
function violationsOf({ code, violations, reason, message }: AppError): FieldViolation[] {
  if (violations.length > 0) return violations;
  return [{ field: code === 'ABORTED' ? 'etag' : 'id', reason, description: message }];
}

function problemOf(error: AppError): BatchProblem {
  const { code, reason, message, metadata } = error;
  return { code, reason, message, violations: violationsOf(error), customerId: metadata['customerId'] };
}
