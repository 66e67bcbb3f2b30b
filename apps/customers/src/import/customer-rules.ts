import { Contract, fileDescriptorSet, MessageValidator } from '@rapport/contracts';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceService,
  type ImportCustomersRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { FieldViolation } from '@rapport/platform';

/** The fields of a customer that are lists. */
export type ListName = 'emails' | 'phones' | 'addresses' | 'domains' | 'tags' | 'externalIds';

const contract = new Contract(fileDescriptorSet);
const validator = new MessageValidator(contract);
const customerDescriptor = method(CustomersServiceService.getCustomer.path).output;
const requestDescriptor = method(CustomersServiceService.importCustomers.path).input;

/** What the contract finds wrong with the values of a customer, each for itself. */
export function fieldViolations(customer: Customer): FieldViolation[] {
  return validator.violations(customerDescriptor, customer);
}

/**
 * Messages of a stream are checked by whoever reads them.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong parameter
 */
export function checkRequest(request: ImportCustomersRequest): void {
  validator.check(requestDescriptor, request);
}

/** Most items of each list of a customer. */
export const maxItems: Readonly<Record<ListName, number>> = {
  emails: readMaxItems('emails'),
  phones: readMaxItems('phones'),
  addresses: readMaxItems('addresses'),
  domains: readMaxItems('domains'),
  tags: readMaxItems('tags'),
  externalIds: readMaxItems('externalIds'),
};

function method(path: string) {
  const found = contract.method(path);
  if (!found) throw new Error(`The contract lacks ${path}.`);
  return found.desc;
}

function readMaxItems(name: ListName): number {
  const field = customerDescriptor.fields.find(({ jsonName }) => jsonName === name);
  const limit = field && contract.rules(field).maxItems;
  if (limit === undefined) throw new Error(`The contract does not bound ${name}.`);
  return limit;
}
