import { platformContract } from '@rapport/contracts';

export const contract = platformContract();

/** Every permission there is: those that the contract's methods ask for. */
export const knownPermissions: readonly string[] = [...new Set(contract.methods.map(({ policy }) => policy.permission))]
  .filter((permission) => permission !== '')
  .sort();
