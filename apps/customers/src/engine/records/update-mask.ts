import { readMask, type Updatable } from '@rapport/contracts';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { recordContract } from '../values/contract.js';

/** A field of a customer that an update may change. */
export type UpdatableField = keyof Customer;

const { singular, fields } = recordContract('rapport/Customer');
const updatableFields = fields
  .filter(({ writable }) => writable === 'ALWAYS')
  .map(({ name }) => name as UpdatableField);

const updatable: Updatable<UpdatableField> = {
  name: singular,
  noun: `a ${singular}`,
  fields: updatableFields,
  fixed: Object.fromEntries(
    fields
      .filter(({ writable }) => writable !== 'ALWAYS')
      .map(({ name, writable }) => [name, writable === 'ONCE' ? 'IMMUTABLE' : 'OUTPUT_ONLY']),
  ),
};

/** The fields of a customer that an update changes, as `readMask` answers them. */
export function readUpdateMask(paths: string[] | undefined): UpdatableField[] {
  return readMask(paths, updatable);
}

/** The fields that a customer has a value of. */
export function presentFields(customer: Customer): UpdatableField[] {
  return updatableFields.filter((field) => {
    const value = customer[field];
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  });
}
