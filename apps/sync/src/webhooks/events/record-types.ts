import { recordContracts, type Contract } from '@rapport/contracts';
import { FilesServiceService } from '@rapport/contracts/rapport/content/v1/files_service';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { CustomFieldsServiceService } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { SettingsServiceService } from '@rapport/contracts/rapport/work/v1/settings_service';

type ContractMethod = Contract['methods'][number];

/** The method that answers one record, by the type as the feed has it. */
export type RecordTypes = ReadonlyMap<string, ContractMethod>;

/**
 * The methods that answer one record of the types that the feed has, whose messages are not declared as records
 * (`rapport.api.v1.record`): they have tables and code of their own. A type that is declared so is removed here.
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
 * The types of records whose changes the feed has, such as `customer` and `custom_field`, each with the method that answers one record:
 * it has the message, whose fields the feed has by the same names, and the permission that reading takes.
 *
 * @throws Error for a type that has no such method
 */
export function recordTypes(contract: Contract): RecordTypes {
  const declared = recordContracts(contract).map(({ singular, message }): [string, ContractMethod] => {
    const get = contract.methods.find(({ name, desc }) => name === `Get${message.name}` && desc.output === message);
    if (!get) throw new Error(`${message.typeName}: no method Get${message.name} answers it.`);
    return [singular.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), get];
  });
  const others = Object.entries(undeclared).map(([type, path]): [string, ContractMethod] => {
    const get = contract.method(path);
    if (!get) throw new Error(`The contract lacks ${path}.`);
    return [type, get];
  });
  return new Map([...declared, ...others]);
}

/**
 * The permission by which records of a type are read, by the plural of the type, which the resource names of its records begin with.
 * Undeclared types have no resource names.
 */
export function readPermissionsByPlural(contract: Contract): ReadonlyMap<string, string> {
  return new Map(recordContracts(contract).map(({ plural, permission }) => [plural, `${permission}.read`]));
}

/** JSON names of the fields of a record that have the resource name of a record of any type, such as both ends of an association. */
export function namingFields(contract: Contract, { desc }: ContractMethod): string[] {
  return desc.output.fields.filter((field) => contract.reference(field) === '*').map(({ jsonName }) => jsonName);
}
