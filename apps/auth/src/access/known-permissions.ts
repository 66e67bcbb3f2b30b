import { platformContract, type Contract } from '@rapport/contracts';
import { permissionForAll } from '@rapport/platform';

export const contract = platformContract();

/** Every permission there is but for those for a single object: what the contract's methods ask for. */
export const knownPermissions: readonly string[] = permissionsOf(contract);

export function permissionsOf({ methods }: Contract): string[] {
  const needed = methods.map(({ policy }) => permissionForAll(policy.permission));
  return [...new Set(needed)].filter((permission) => permission !== '').sort();
}

/** Areas whose permissions can be for one of its parts, such as `objects` with `objects.subscription.read`. */
const divided = new Set(
  contract.methods
    .map(({ policy }) => policy.permission)
    .filter((permission) => permission !== permissionForAll(permission))
    .map(permissionForAll),
);

/** Whether there is a permission, for all of an area or for a part of it that there may be. */
export function isKnownPermission(permission: string): boolean {
  if (knownPermissions.includes(permission)) return true;
  const [, area, verb] = /^(\w+)\.[a-z]\w*\.(\w+)$/.exec(permission) ?? [];
  return area !== undefined && divided.has(`${area}.${verb}`);
}
