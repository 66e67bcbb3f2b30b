import { Customer as CustomerMessage, LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { etagVersion, formatEtag } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { snakeCase } from '../values/snake-case.js';
import { isHiding, isPersonal } from '../fields/hidden-data.js';
import type { UniqueValue } from './customer-keys.js';
import type { Customer } from './customer.entity.js';
import { checkOwner, ownerOfNew } from './record-owner.js';
import type { UpdatableField } from './update-mask.js';

/** @throws AppError INVALID_ARGUMENT when a request lacks its customer */
export function sent({ customer }: { customer?: CustomerMessage | undefined }): CustomerMessage {
  if (customer) return customer;
  throw invalidArgument([{ field: 'customer', reason: 'REQUIRED', description: 'is required' }]);
}

/**
 * A new customer as it will be shown, from what was wanted, normalised.
 *
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE
 */
export function newCustomer(wanted: CustomerMessage, id: string = uuidv7()): CustomerMessage {
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  const owner = ownerOfNew(wanted);
  checkOwner(owner);
  return {
    ...wanted,
    ...owner,
    id,
    etag: formatEtag(1),
    lifecycleStageTime: wanted.lifecycleStage === LifecycleStage.UNSPECIFIED ? undefined : now,
    createTime: now,
    updateTime: now,
    deleteTime: undefined,
    createdBy: principalId,
    updatedBy: principalId,
    mergedIntoId: undefined,
  };
}

/**
 * A customer with new content and its next version; `before` itself when it has this content already. To set personal data is
 * a change whatever the value was when it is hidden from the caller, who would else learn from the version whether a guess is right.
 *
 * @param mask the fields that were given
 */
export function changedCustomer(
  before: CustomerMessage,
  after: CustomerMessage,
  mask: readonly UpdatableField[],
): CustomerMessage {
  const isKnown = !isHiding() || !mask.some((field) => isPersonal(snakeCase(field)));
  return isKnown && isSame(before, after) ? before : nextCustomer(before, after);
}

/**
 * A customer with new content and its next version.
 *
 * @throws AppError PERMISSION_DENIED OWNER_OUT_OF_SCOPE
 */
export function nextCustomer(before: CustomerMessage, after: CustomerMessage): CustomerMessage {
  checkOwner(after, before);
  const change = nextChange(before);
  return { ...after, ...change, ...stageTime(before, after, change.updateTime) };
}

function stageTime(
  before: CustomerMessage,
  { lifecycleStage }: CustomerMessage,
  now: string | undefined,
): Partial<CustomerMessage> {
  if (lifecycleStage === before.lifecycleStage) return {};
  return { lifecycleStageTime: lifecycleStage === LifecycleStage.UNSPECIFIED ? undefined : now };
}

export function deletedCustomer(customer: CustomerMessage): CustomerMessage {
  const change = nextChange(customer);
  return { ...customer, ...change, deleteTime: change.updateTime };
}

/** What every change of a customer changes. */
export function nextChange({ etag }: CustomerMessage): Pick<CustomerMessage, 'etag' | 'updateTime' | 'updatedBy'> {
  const updateTime = new Date().toISOString();
  return { etag: formatEtag(etagVersion(etag) + 1), updateTime, updatedBy: currentCaller().principalId };
}

/** `nextChange` of an entity. */
export function nextVersion({ version }: Customer): Pick<Customer, 'version' | 'updateTime' | 'updatedBy'> {
  return { version: version + 1, updateTime: new Date(), updatedBy: currentCaller().principalId };
}

/** @throws AppError NOT_FOUND, the same for a customer that is deleted and one that never was */
export function live(customer: CustomerMessage | undefined): CustomerMessage {
  if (customer && !customer.deleteTime) return customer;
  throw notFound();
}

/** @param mergedInto id of the customer that it was merged into */
export function notFound(mergedInto?: string): AppError {
  const metadata: Record<string, string> = mergedInto === undefined ? {} : { mergedInto };
  return new AppError('NOT_FOUND', 'CUSTOMER_NOT_FOUND', 'There is no such customer.', { metadata });
}

/** The field of a request for one customer that has a unique value. */
export function customerField({ path }: UniqueValue): string {
  return `customer.${path}`;
}

/** The values that are not among others. */
export function without(values: UniqueValue[], others: UniqueValue[]): UniqueValue[] {
  return values.filter(({ type, value }) => !others.some((other) => other.type === type && other.value === value));
}

function isSame(one: CustomerMessage, other: CustomerMessage): boolean {
  return Buffer.from(CustomerMessage.encode(one).finish()).equals(CustomerMessage.encode(other).finish());
}
