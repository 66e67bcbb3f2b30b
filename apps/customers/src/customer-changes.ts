import type { EntityManager } from '@mikro-orm/postgresql';
import { Customer as CustomerMessage, LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { CustomFields } from './custom-fields/custom-fields.js';
import type { UniqueValue } from './customer-keys.js';
import { customerContent, customerMessage } from './customer-message.js';
import { Customer } from './customer.entity.js';

/** @throws AppError INVALID_ARGUMENT when a request lacks its customer */
export function sent({ customer }: { customer?: CustomerMessage | undefined }): CustomerMessage {
  if (customer) return customer;
  throw invalidArgument([{ field: 'customer', reason: 'REQUIRED', description: 'is required' }]);
}

/** Puts a new customer into the unit of work. */
export function addCustomer(
  em: EntityManager,
  wanted: CustomerMessage,
  customFields: CustomFields,
  id: string = uuidv7(),
): Customer {
  const { tenantId, principalId } = currentCaller();
  const now = new Date();
  return em.create(Customer, {
    tenantId,
    id,
    ...customerContent(tenantId, wanted, customFields),
    lifecycleStageTime: wanted.lifecycleStage === LifecycleStage.UNSPECIFIED ? null : now,
    version: 1,
    createTime: now,
    updateTime: now,
    createdBy: principalId,
    updatedBy: principalId,
  });
}

/** Gives a customer new content and its next version. One that has this content already stays as it is. */
export function changeCustomer(
  em: EntityManager,
  customer: Customer,
  after: CustomerMessage,
  customFields: CustomFields,
): void {
  const before = customerMessage(customer);
  if (isSame(before, after)) return;
  const change = nextVersion(customer);
  const content = customerContent(customer.tenantId, after, customFields);
  em.assign(customer, { ...content, ...stageTime(before, after, change.updateTime), ...change });
}

function stageTime(before: CustomerMessage, after: CustomerMessage, now: Date): Partial<Customer> {
  if (after.lifecycleStage === before.lifecycleStage) return {};
  return { lifecycleStageTime: after.lifecycleStage === LifecycleStage.UNSPECIFIED ? null : now };
}

export function markDeleted(em: EntityManager, customer: Customer): void {
  const change = nextVersion(customer);
  em.assign(customer, { ...change, deleteTime: change.updateTime });
}

export function nextVersion({ version }: Customer): Pick<Customer, 'version' | 'updateTime' | 'updatedBy'> {
  return { version: version + 1, updateTime: new Date(), updatedBy: currentCaller().principalId };
}

/** @throws AppError NOT_FOUND, the same for a customer that is deleted and one that never was */
export function live(customer: Customer | null | undefined): Customer {
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
