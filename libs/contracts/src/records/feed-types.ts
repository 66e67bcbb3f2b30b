import type { Contract } from '../descriptors/load-contract.js';
import { snakeCase } from '../values/letter-case.js';
import { recordContracts } from './record-contract.js';

type ContractMethod = Contract['methods'][number];

/** The method that returns one record, by the type in the feed. */
export type FeedTypes = ReadonlyMap<string, ContractMethod>;

/**
 * The methods that return one record, for types in the feed whose messages are not declared as records
 * (`rapport.api.v1.record`): they have tables and code of their own. Remove a type here when it is declared.
 */
const undeclared: Readonly<Record<string, string>> = {
  association: '/rapport.customers.v1.AssociationsService/GetAssociation',
  custom_field: '/rapport.customers.v1.CustomFieldsService/GetCustomField',
  merge: '/rapport.customers.v1.MergesService/GetMerge',
  consent: '/rapport.customers.v1.ConsentsService/GetConsent',
  suppression: '/rapport.customers.v1.SuppressionsService/GetSuppression',
  settings: '/rapport.work.v1.SettingsService/GetSettings',
  file: '/rapport.content.v1.FilesService/GetFile',
};

/**
 * The types of records in the feed, such as `customer` and `custom_field`, each with the method that returns one
 * record. The method has the message, with the field names of the feed, and the read permission.
 *
 * @throws Error for a type without such a method
 */
export function feedTypes(contract: Contract): FeedTypes {
  const declared = recordContracts(contract).map(({ singular, message }): [string, ContractMethod] => {
    const get = contract.methods.find(({ name, desc }) => name === `Get${message.name}` && desc.output === message);
    if (!get) throw new Error(`${message.typeName}: no method Get${message.name} answers it.`);
    return [snakeCase(singular), get];
  });
  const others = Object.entries(undeclared).map(([type, path]): [string, ContractMethod] => {
    const get = contract.method(path);
    if (!get) throw new Error(`The contract lacks ${path}.`);
    return [type, get];
  });
  return new Map([...declared, ...others]);
}
