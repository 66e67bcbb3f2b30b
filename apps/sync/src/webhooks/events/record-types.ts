import { recordContracts, snakeCase, type Contract } from '@rapport/contracts';
import { FilesServiceService } from '@rapport/contracts/rapport/content/v1/files_service';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { CustomFieldsServiceService } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { SettingsServiceService } from '@rapport/contracts/rapport/work/v1/settings_service';

type ContractMethod = Contract['methods'][number];

/** The method that returns one record, by the type in the feed. */
export type RecordTypes = ReadonlyMap<string, ContractMethod>;

/**
 * The methods that return one record, for types in the feed whose messages are not declared as records
 * (`rapport.api.v1.record`): they have tables and code of their own. Remove a type here when it is declared.
 */
const undeclared: Readonly<Record<string, string>> = {
  association: AssociationsServiceService.getAssociation.path,
  custom_field: CustomFieldsServiceService.getCustomField.path,
  merge: MergesServiceService.getMerge.path,
  consent: ConsentsServiceService.getConsent.path,
  suppression: SuppressionsServiceService.getSuppression.path,
  settings: SettingsServiceService.getSettings.path,
  file: FilesServiceService.getFile.path,
};

/**
 * The types of records in the feed, such as `customer` and `custom_field`, each with the method that returns one
 * record. The method has the message, with the field names of the feed, and the read permission.
 *
 * @throws Error for a type without such a method
 */
export function recordTypes(contract: Contract): RecordTypes {
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

/**
 * The read permission of each type, by its plural, which begins the resource names of its records. Undeclared types
 * have no resource names.
 */
export function readPermissionsByPlural(contract: Contract): ReadonlyMap<string, string> {
  return new Map(recordContracts(contract).map(({ plural, permission }) => [plural, `${permission}.read`]));
}

/** JSON names of fields with the resource name of a record of any type, such as both ends of an association. */
export function namingFields(contract: Contract, { desc }: ContractMethod): string[] {
  return desc.output.fields.filter((field) => contract.reference(field) === '*').map(({ jsonName }) => jsonName);
}
