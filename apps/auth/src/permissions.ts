import { Contract, fileDescriptorSet } from '@rapport/contracts';

/** Every permission there is: those that the contract's methods ask for. */
export const knownPermissions: readonly string[] = [
  ...new Set(new Contract(fileDescriptorSet).methods.map(({ policy }) => policy.permission)),
]
  .filter((permission) => permission !== '')
  .sort();
