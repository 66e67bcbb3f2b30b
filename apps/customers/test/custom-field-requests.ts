import {
  CustomField,
  type CustomField_Type as Type,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { AppError, Caller } from '@rapport/platform';
import { expect } from 'vitest';
import type { SharedCustomers } from './running-customers.js';

/** A complete request message. */
export function fieldOf(field: Partial<CustomField>): CustomField {
  return { ...CustomField.decode(new Uint8Array()), ...field };
}

/** Defines a field of the caller's tenant. */
export function defineField(
  customers: SharedCustomers,
  caller: Caller,
  key: string,
  type: Type,
  more: Partial<CustomField> = {},
): Promise<CustomField> {
  return customers.call('createCustomField', { customField: fieldOf({ key, type, ...more }) }, caller);
}

export function options(...values: string[]): Partial<CustomField> {
  return { options: values.map((value) => ({ value })) };
}

/** Code, field and reason of each violation of an error, or the code and reason of one without. */
export function refusal(call: Promise<unknown>): Promise<unknown[]> {
  return call.then(
    () => expect.fail('was not refused'),
    ({ code, reason, violations }: AppError) =>
      violations.length > 0 ? violations.map((violation) => [code, violation.field, violation.reason]) : [code, reason],
  );
}
