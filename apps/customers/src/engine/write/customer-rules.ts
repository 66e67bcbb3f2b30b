import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { FieldViolation } from '@rapport/platform';
import type { ListField } from '../records/customer-keys.js';
import { contract, methodDescriptor, validator } from '../values/contract.js';

const customerDescriptor = methodDescriptor(CustomersServiceService.getCustomer.path).output;

/** What the contract finds wrong with the values of a customer, each for itself. */
export function fieldViolations(customer: Customer): FieldViolation[] {
  return validator.violations(customerDescriptor, customer);
}

/** Most items of each list of a customer. */
export const maxItems: Readonly<Record<ListField, number>> = {
  emails: readMaxItems('emails'),
  phones: readMaxItems('phones'),
  addresses: readMaxItems('addresses'),
  domains: readMaxItems('domains'),
  tags: readMaxItems('tags'),
  externalIds: readMaxItems('externalIds'),
};

function readMaxItems(name: ListField): number {
  const field = customerDescriptor.fields.find(({ jsonName }) => jsonName === name);
  const limit = field && contract.rules(field).maxItems;
  if (limit === undefined) throw new Error(`The contract does not bound ${name}.`);
  return limit;
}
