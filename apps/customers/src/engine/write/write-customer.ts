import { CustomerKind, type Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  DeleteCustomerRequest,
  UndeleteCustomerRequest,
  UpdateCustomerRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { exchangeOriginPrefix } from '@rapport/contracts';
import {
  beyondScope,
  checkEtag,
  etagVersion,
  isRefusal,
  isUniqueViolation,
  type StatementTransaction,
  type TransactionStatement,
} from '@rapport/persistence';
import { AppError, callContext, currentCaller } from '@rapport/platform';
import { validate as isUuid } from 'uuid';
import { applyUpdate, checkedCustomer } from '../records/apply-update.js';
import { claimValues, ownedValues, releaseValues, type OwnedValue } from '../records/claim-unique-values.js';
import {
  changedCustomer,
  customerField,
  deletedCustomer,
  newCustomer,
  nextChange,
  notFound,
  sent,
  without,
} from '../records/customer-changes.js';
import { uniqueValues, type UniqueValue } from '../records/customer-keys.js';
import { messagesOfRows, type CustomerRow } from '../records/customer-row.js';
import {
  companyTooLarge,
  insertCustomers,
  leaveCompanies,
  lockCustomers,
  maxCompanyPeople,
  updateCustomers,
} from '../records/customer-statements.js';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import { LinkedCustomers, linkedIds } from '../records/linked-customers.js';
import { liveCustomer } from '../records/merged-into.js';
import { currentSeal } from '../sealing/seal.js';
import { readUpdateMask, type UpdatableField } from '../records/update-mask.js';

/**
 * Creates the customer of a request, in one round trip when it has no links and no custom fields.
 *
 * @param claimed one of its unique values that was claimed for the id that it shall have
 */
export async function createCustomer(
  transaction: StatementTransaction,
  request: { customer?: CustomerMessage | undefined; requestId?: string | undefined },
  claimed?: OwnedValue,
): Promise<CustomerMessage> {
  const given = sent(request);
  const customFields = given.customFields ? await CustomFields.load(transaction) : new CustomFields([]);
  const wanted = checkedCustomer(given, customFields);
  const linked = await LinkedCustomers.lock(transaction, linkedIds(wanted, customFields));
  linked.check(wanted, customFields);
  const customer = newCustomer(wanted, claimed?.customerId ?? idOfExchange(request.requestId));
  await currentSeal()?.prepare([customer.id]);
  const unclaimed = without(uniqueValues(wanted), claimed ? [claimed] : []);
  const explain = (error: unknown) => (isKnownId(error) ? createdBefore(customer.id) : error);
  transaction.later(
    { ...insertCustomers([customer], customFields), explain },
    ...claimValues(ownedValues(customer.id, unclaimed), customerField),
  );
  return customer;
}

/**
 * An exchange uses its request id as the id of the customer that it creates. It can then check at any later time, and under any
 * principal, whether the create succeeded. Other callers rely on the idempotency key, which expires after 24 hours.
 */
function idOfExchange(requestId: string | undefined): string | undefined {
  const { origin = '' } = callContext.getStore()?.cause ?? {};
  return requestId !== undefined && origin.startsWith(exchangeOriginPrefix) && isUuid(requestId)
    ? requestId
    : undefined;
}

function isKnownId(error: unknown): boolean {
  return isUniqueViolation(error) && (error as { constraint?: string }).constraint === 'customer_pkey';
}

function createdBefore(customerId: string): AppError {
  const message = 'The customer of this request was created before, and is not there any more.';
  return new AppError('ALREADY_EXISTS', 'CUSTOMER_CREATED_BEFORE', message, { metadata: { createdId: customerId } });
}

export async function updateCustomer(
  transaction: StatementTransaction,
  request: Pick<UpdateCustomerRequest, 'id' | 'customer' | 'updateMask' | 'etag'>,
): Promise<CustomerMessage> {
  const changes = sent(request);
  const mask = readUpdateMask(request.updateMask);
  const [stored, customFields] = await readForChange(transaction, request.id);
  const before = await liveCustomer(transaction, request.id, stored);
  return changeCustomer(transaction, before, customFields, { changes, mask, etag: request.etag });
}

interface CustomerChange {
  changes: CustomerMessage;
  /** The fields that take the values of `changes`. */
  mask: UpdatableField[];
  etag?: string | undefined;
  /** The field of the request that has a unique value. */
  fieldOf?: (value: UniqueValue) => string;
}

/**
 * Changes a live customer, whose row is locked.
 *
 * @param customFields all that the tenant has
 */
export async function changeCustomer(
  transaction: StatementTransaction,
  before: CustomerMessage,
  customFields: CustomFields,
  { changes, mask, etag, fieldOf = customerField }: CustomerChange,
): Promise<CustomerMessage> {
  checkEtag(etag, etagVersion(before.etag));
  const after = applyUpdate(before, changes, mask, customFields);
  const linked = await LinkedCustomers.lock(transaction, linkedIds(after, customFields, before));
  linked.check(after, customFields, before);
  return storeChange(transaction, before, after, customFields, { mask, fieldOf });
}

export async function deleteCustomer(
  transaction: StatementTransaction,
  request: DeleteCustomerRequest,
): Promise<CustomerMessage> {
  const [stored, customFields] = await readForChange(transaction, request.id);
  const customer = await liveCustomer(transaction, request.id, stored);
  checkEtag(request.etag, etagVersion(customer.etag));
  const deleted = deletedCustomer(customer);
  transaction.later(
    updateCustomers([deleted], customFields),
    ...releaseValues(ownedValues(customer.id, uniqueValues(customer))),
    ...leftByPeople([deleted]),
  );
  return deleted;
}

/** Lets the people of deleted companies go, whoever may see them. */
export function leftByPeople(deleted: readonly CustomerMessage[]): TransactionStatement[] {
  const companies = deleted.filter(({ kind }) => kind === CustomerKind.COMPANY).map(({ id }) => id);
  if (companies.length === 0) return [];
  const explain = (error: unknown) => (isRefusal(error, companyTooLarge) ? tooManyPeople() : error);
  return [beyondScope, { ...leaveCompanies(companies), explain }];
}

function tooManyPeople(): AppError {
  const message =
    `More than ${maxCompanyPeople.toLocaleString('en')} people belong to it. ` +
    'Give some of them another company first, or merge it into another.';
  return new AppError('FAILED_PRECONDITION', companyTooLarge, message);
}

export async function undeleteCustomer(
  transaction: StatementTransaction,
  request: UndeleteCustomerRequest,
): Promise<CustomerMessage> {
  const [customer, customFields] = await readForChange(transaction, request.id);
  if (!customer) throw notFound();
  if (customer.deleteTime === undefined) {
    throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_NOT_DELETED', 'The customer is not deleted.');
  }
  if (customer.mergedIntoId !== undefined) throw await mergedError(transaction, customer.id);
  checkEtag(request.etag, etagVersion(customer.etag));
  const undeleted = { ...customer, ...nextChange(customer), deleteTime: undefined };
  const claims = claimValues(
    ownedValues(customer.id, uniqueValues(customer)),
    () => 'id',
    (error) => mergeOffer(error, customer.id),
  );
  transaction.later(updateCustomers([undeleted], customFields), ...claims);
  return undeleted;
}

/** The customer, live or deleted, with its row locked: of two editors with one etag the second meets the new version. */
async function readForChange(
  transaction: StatementTransaction,
  id: string,
): Promise<[customer: CustomerMessage | undefined, customFields: CustomFields]> {
  const [rows = [], definitions = []] = await transaction.run(lockCustomers([id]), CustomFields.statement());
  const [customer] = await messagesOfRows(rows as CustomerRow[]);
  return [customer, new CustomFields(definitions as Definition[])];
}

/** Stores a live customer's change, if it is one. */
function storeChange(
  transaction: StatementTransaction,
  before: CustomerMessage,
  after: CustomerMessage,
  customFields: CustomFields,
  { mask, fieldOf }: Required<Pick<CustomerChange, 'mask' | 'fieldOf'>>,
): CustomerMessage {
  const customer = changedCustomer(before, after, mask);
  if (customer === before) return before;
  const [had, has] = [uniqueValues(before), uniqueValues(after)];
  transaction.later(
    updateCustomers([customer], customFields),
    ...releaseValues(ownedValues(customer.id, without(had, has))),
    ...claimValues(ownedValues(customer.id, without(has, had)), fieldOf),
  );
  return customer;
}

/** A merged customer comes back when its merge is undone, not by itself. */
async function mergedError(transaction: StatementTransaction, mergedId: string): Promise<AppError> {
  const [merge] = await transaction.rows<{ id: string }>({
    sql: 'select id from customer_merge where tenant_id = $1 and merged_id = $2 and undo_time is null',
    values: [currentCaller().tenantId, mergedId],
  });
  // The customer that stayed may be out of the caller's sight, and the merge with it.
  const way = merge ? `POST /v1/merges/${merge.id}:undo` : 'To undo the merge';
  const message = `The customer was merged into another. ${way} brings it back.`;
  const metadata: Record<string, string> = merge ? { mergeId: merge.id } : {};
  return new AppError('FAILED_PRECONDITION', 'CUSTOMER_MERGED', message, { metadata });
}

/** What another customer has taken meanwhile may mean that both are the same. */
function mergeOffer(error: AppError, deletedId: string): AppError {
  const { code, reason, violations, metadata } = error;
  if (code !== 'ALREADY_EXISTS' || metadata['customerId'] === undefined) return error;
  const merge = `POST /v1/customers/${metadata['customerId']}:merge with the mergedId ${deletedId}`;
  const message = `${error.message}. When both are the same, ${merge} makes them one.`;
  return new AppError('ALREADY_EXISTS', reason, message, { violations, metadata, cause: error });
}
