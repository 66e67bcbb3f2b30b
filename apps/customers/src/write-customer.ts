import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  DeleteCustomerRequest,
  UndeleteCustomerRequest,
  UpdateCustomerRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { checkEtag } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { applyUpdate, checkedCustomer } from './apply-update.js';
import { claimUniqueValues, releaseUniqueValues, type OwnedValue } from './claim-unique-values.js';
import {
  addCustomer,
  changeCustomer,
  customerField,
  markDeleted,
  nextVersion,
  notFound,
  sent,
  without,
} from './customer-changes.js';
import { uniqueValues, type UniqueValue } from './customer-keys.js';
import { customerMessage } from './customer-message.js';
import { Customer } from './customer.entity.js';
import { CustomFields } from './custom-fields/custom-fields.js';
import { LinkedCustomers, linkedIds } from './linked-customers.js';
import { findMergeInForce } from './merges/find-merge.js';
import { liveCustomer } from './merges/merged-into.js';
import { readUpdateMask } from './update-mask.js';

/**
 * Creates the customer of a request. Runs in a transaction, as all here.
 *
 * @param claimed one of its unique values that was claimed for the id that it shall have
 */
export async function createCustomer(
  em: EntityManager,
  request: { customer?: CustomerMessage | undefined },
  claimed?: OwnedValue,
): Promise<CustomerMessage> {
  const customFields = await CustomFields.load(em);
  const wanted = checkedCustomer(sent(request), customFields);
  const linked = await LinkedCustomers.lock(em, linkedIds(wanted, customFields));
  linked.check(wanted, customFields);
  const customer = addCustomer(em, wanted, customFields, claimed?.customerId);
  await em.flush();
  const unclaimed = without(uniqueValues(wanted), claimed ? [claimed] : []);
  await claimUniqueValues(em, owned(customer.id, unclaimed), customerField);
  return customerMessage(customer);
}

export async function updateCustomer(
  em: EntityManager,
  request: Pick<UpdateCustomerRequest, 'id' | 'customer' | 'updateMask' | 'etag'>,
): Promise<CustomerMessage> {
  const changes = sent(request);
  const mask = readUpdateMask(request.updateMask);
  const customer = await liveCustomer(em, request.id, await findForChange(em, request.id));
  checkEtag(request.etag, customer.version);
  const customFields = await CustomFields.load(em);
  const before = customerMessage(customer);
  const after = applyUpdate(before, changes, mask, customFields);
  const linked = await LinkedCustomers.lock(em, linkedIds(after, customFields, before));
  linked.check(after, customFields, before);
  changeCustomer(em, customer, after, customFields);
  await em.flush();
  const [had, has] = [uniqueValues(before), uniqueValues(after)];
  await releaseUniqueValues(em, owned(customer.id, without(had, has)));
  await claimUniqueValues(em, owned(customer.id, without(has, had)), customerField);
  return customerMessage(customer);
}

export async function deleteCustomer(em: EntityManager, request: DeleteCustomerRequest): Promise<CustomerMessage> {
  const customer = await liveCustomer(em, request.id, await findForChange(em, request.id));
  checkEtag(request.etag, customer.version);
  markDeleted(em, customer);
  await em.flush();
  const deleted = customerMessage(customer);
  await releaseUniqueValues(em, owned(customer.id, uniqueValues(deleted)));
  return deleted;
}

export async function undeleteCustomer(em: EntityManager, request: UndeleteCustomerRequest): Promise<CustomerMessage> {
  const customer = await findForChange(em, request.id);
  if (!customer.deleteTime) {
    throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_NOT_DELETED', 'The customer is not deleted.');
  }
  if (customer.mergedInto) throw await mergedError(em, customer.id);
  checkEtag(request.etag, customer.version);
  em.assign(customer, { ...nextVersion(customer), deleteTime: null });
  await em.flush();
  const undeleted = customerMessage(customer);
  await claimUniqueValues(em, owned(customer.id, uniqueValues(undeleted)), () => 'id').catch((error: unknown) => {
    throw mergeOffer(error, customer.id);
  });
  return undeleted;
}

/** A merged customer comes back when its merge is undone, not by itself. */
async function mergedError(em: EntityManager, mergedId: string): Promise<AppError> {
  const { id: mergeId } = await findMergeInForce(em, mergedId);
  const message = `The customer was merged into another. POST /v1/merges/${mergeId}:undo brings it back.`;
  return new AppError('FAILED_PRECONDITION', 'CUSTOMER_MERGED', message, { metadata: { mergeId } });
}

/** What another customer has taken meanwhile may mean that both are the same. */
function mergeOffer(error: unknown, deletedId: string): unknown {
  if (!(error instanceof AppError) || error.code !== 'ALREADY_EXISTS') return error;
  const { reason, violations, metadata } = error;
  const merge = `POST /v1/customers/${metadata['customerId']}:merge with the mergedId ${deletedId}`;
  const message = `${error.message}. When both are the same, ${merge} makes them one.`;
  return new AppError('ALREADY_EXISTS', reason, message, { violations, metadata, cause: error });
}

/** The customer, live or deleted, with its row locked: of two editors with one etag the second meets the new version. */
export async function findForChange(em: EntityManager, id: string): Promise<Customer> {
  const { tenantId } = currentCaller();
  return found(await em.findOne(Customer, { tenantId, id }, { lockMode: LockMode.PESSIMISTIC_WRITE }));
}

/** @throws AppError NOT_FOUND */
export function found(customer: Customer | null): Customer {
  if (customer) return customer;
  throw notFound();
}

export function owned(customerId: string, values: UniqueValue[]): OwnedValue[] {
  return values.map((value) => ({ ...value, customerId }));
}
