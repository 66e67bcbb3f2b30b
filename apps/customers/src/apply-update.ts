import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { invalidArgument } from '@rapport/platform';
import { composeDisplayName, normaliseCustomer } from './normalise-customer.js';
import type { UpdatableField } from './update-mask.js';

/**
 * A customer as it was sent, ready to store.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field of `customer`
 */
export function checkedCustomer(customer: Customer): Customer {
  const { customer: normalised, violations } = normaliseCustomer(customer);
  if (violations.length === 0) return normalised;
  throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `customer.${field}`, ...rest })));
}

/**
 * The customer after an update: the fields of `mask` as in `changes`, where absent clears, and all others untouched. A
 * display name that was composed, not given, follows what it is composed of.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field of `customer`
 */
export function applyUpdate(before: Customer, changes: Customer, mask: UpdatableField[]): Customer {
  const isComposed = before.displayName === composeDisplayName(before);
  const changed: UpdatableField[] = isComposed ? [...mask, 'displayName'] : mask;
  const merged = { ...before, ...(isComposed ? { displayName: undefined } : {}), ...pick(changes, mask) };
  return { ...before, ...pick(checkedCustomer(merged), changed) };
}

function pick(customer: Customer, fields: UpdatableField[]): Partial<Customer> {
  return Object.fromEntries(fields.map((field) => [field, customer[field]]));
}
