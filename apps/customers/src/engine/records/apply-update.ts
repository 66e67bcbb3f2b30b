import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import { lifecycleViolation } from '../../domain/customers/lifecycle-stage.js';
import { composeDisplayName, normaliseCustomer } from '../../domain/customers/normalise-customer.js';
import type { UpdatableField } from './update-mask.js';

/**
 * A customer as it was sent, ready to store.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field of `customer`
 */
export function checkedCustomer(customer: Customer, customFields: CustomFields, before?: Customer): Customer {
  const { customer: normalised, violations } = normaliseCustomer(customer, customFields, { before });
  refuse(violations);
  return normalised;
}

/**
 * The customer after an update: the fields of `mask` as in `changes`, where absent clears, and all others untouched. A
 * display name that was composed, not given, follows what it is composed of.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field of `customer`
 */
export function applyUpdate(
  before: Customer,
  changes: Customer,
  mask: UpdatableField[],
  customFields: CustomFields,
): Customer {
  const isComposed = before.displayName === composeDisplayName(before);
  const changed: UpdatableField[] = isComposed ? [...mask, 'displayName'] : mask;
  const merged = { ...before, ...(isComposed ? { displayName: undefined } : {}), ...pick(changes, mask) };
  // Of custom fields the keys that are named change; null clears one.
  if (mask.includes('customFields') && changes.customFields) {
    merged.customFields = { ...before.customFields, ...changes.customFields };
  }
  const { customer, violations } = normaliseCustomer(merged, customFields, { before });
  const stage = lifecycleViolation(before.lifecycleStage, merged.lifecycleStage);
  refuse(stage ? [...violations, stage] : violations);
  return { ...before, ...pick(customer, changed) };
}

function refuse(violations: FieldViolation[]): void {
  if (violations.length === 0) return;
  throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `customer.${field}`, ...rest })));
}

function pick(customer: Customer, fields: UpdatableField[]): Partial<Customer> {
  return Object.fromEntries(fields.map((field) => [field, customer[field]]));
}
