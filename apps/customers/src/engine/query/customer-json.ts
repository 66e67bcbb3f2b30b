import { JsonCodec } from '@rapport/contracts';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { invalidArgument } from '@rapport/platform';
import { methodDescriptor } from '../values/contract.js';
import { shownToCaller } from '../fields/hidden-data.js';

export const customerDescriptor = methodDescriptor(CustomersServiceService.getCustomer.path).output;
const codec = JsonCodec.of(customerDescriptor, new Map());
const fieldNames: readonly string[] = customerDescriptor.fields.map(({ jsonName }) => jsonName);

/** A customer as GetCustomer answers the caller in JSON. A member that is undefined is left out when it is written. */
export function customerValue(customer: Customer): Record<string, unknown> {
  return codec.toJson({ ...shownToCaller(customerDescriptor, customer) });
}

/**
 * A customer as JSON in one line, as GetCustomer answers it.
 *
 * @param fields JSON names of those to have; all when empty
 */
export function customerJson(customer: Customer, fields: readonly string[]): string {
  const json = customerValue(customer);
  return JSON.stringify(fields.length === 0 ? json : Object.fromEntries(fields.map((field) => [field, json[field]])));
}

/**
 * The JSON names of fields of a customer.
 *
 * @throws AppError INVALID_ARGUMENT that names each which is none
 */
export function readColumns(columns: readonly string[]): string[] {
  const names = columns.map((column) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  const violations = names.flatMap((name, index) =>
    fieldNames.includes(name)
      ? []
      : [{ field: `columns[${index}]`, reason: 'UNKNOWN_FIELD', description: 'is no field of a customer' }],
  );
  if (violations.length > 0) throw invalidArgument(violations);
  return [...new Set(names)];
}
