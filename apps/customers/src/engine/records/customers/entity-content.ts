import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { currentCaller } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import { currentSeal } from '../../sealing/seal.js';
import { openRecord, openRecords, sealMissing } from '../../sealing/sealed-messages.js';
import { recordColumns } from '../record-content.js';
import { recordOf } from '../record-rows.js';
import { customerType } from './customer-type.js';
import type { Customer } from './customer.entity.js';

/** A customer of an entity as the contract shows it. When it is sealed, `loadKeysOf` comes first. */
export function customerMessage(customer: Customer): CustomerMessage {
  const message = storedMessage(customer);
  const seal = currentSeal();
  if (seal) return openRecord(seal, customerType(), message);
  if (customer.sealed) throw sealMissing();
  return message;
}

/** Has the keys at hand with which customers are sealed. */
export async function loadKeysOf(customers: readonly Customer[]): Promise<void> {
  const seal = currentSeal();
  if (seal) await openRecords(seal, customerType(), customers.map(storedMessage));
}

function storedMessage(customer: Customer): CustomerMessage {
  const { company, mergedInto } = customer;
  return recordOf(customerType(), { ...customer, companyId: company?.[1], mergedIntoId: mergedInto?.[1] });
}

/** Properties of an entity that its caller does not decide on. */
type Kept =
  | ('tenantId' | 'id' | 'version' | 'createTime' | 'updateTime' | 'deleteTime' | 'createdBy' | 'updatedBy')
  | ('lifecycleStageTime' | 'mergedInto');

/** What a normalised customer is stored as, by the properties of its entity: sealed, when the call seals. */
export function entityContent(
  tenantId: string,
  customer: CustomerMessage,
  customFields: CustomFields,
): Omit<Customer, Kept> {
  const columns = Object.entries(recordColumns(customerType(), customer, customFields));
  const { companyId, ...properties } = Object.fromEntries(
    columns.map(([column, value]) => [column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
  for (const name of keptProperties) delete properties[name];
  return { ...properties, company: companyId === null ? null : [tenantId, companyId] } as Omit<Customer, Kept>;
}

/** What every change of an entity changes. */
export function nextVersion({ version }: Customer): Pick<Customer, 'version' | 'updateTime' | 'updatedBy'> {
  return { version: version + 1, updateTime: new Date(), updatedBy: currentCaller().principalId };
}

const keptProperties = [
  ...['id', 'version', 'createTime', 'updateTime', 'deleteTime', 'createdBy', 'updatedBy'],
  ...['lifecycleStageTime', 'mergedIntoId'],
];
