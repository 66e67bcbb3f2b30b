import { platformContract, type Contract } from '@rapport/contracts';

export const contract = platformContract();

/** Every permission there is: those that the contract's methods ask for. */
export const knownPermissions: readonly string[] = permissionsOf(contract);

export function permissionsOf({ methods }: Contract): string[] {
  return [...new Set(methods.map(({ policy }) => policy.permission))].filter((permission) => permission !== '').sort();
}
