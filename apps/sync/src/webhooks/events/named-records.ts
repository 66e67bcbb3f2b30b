import { recordContracts, type Contract } from '@rapport/contracts';

type ContractMethod = Contract['methods'][number];

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
