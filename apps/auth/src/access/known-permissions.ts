import { platformContract, type Contract } from '@rapport/contracts';
import { permissionForAll } from '@rapport/platform';

export const contract = platformContract();

/** All permissions that methods of the contract require, without those for a single object. */
export const knownPermissions: readonly string[] = permissionsOf(contract);

export function permissionsOf({ methods }: Contract): string[] {
  const needed = methods.map(({ policy }) => permissionForAll(policy.permission));
  return [...new Set(needed)].filter((permission) => permission !== '').sort();
}

/** Areas that have permissions for a single object, such as `objects` with `objects.subscription.read`. */
const divided = new Set(
  contract.methods
    .map(({ policy }) => policy.permission)
    .filter((permission) => permission !== permissionForAll(permission))
    .map(permissionForAll),
);

/** Whether a permission exists, for an area or for a single object of it. The object itself need not exist. */
export function isKnownPermission(permission: string): boolean {
  if (knownPermissions.includes(permission)) return true;
  const [, area, verb] = /^(\w+)\.[a-z]\w*\.(\w+)$/.exec(permission) ?? [];
  return area !== undefined && divided.has(`${area}.${verb}`);
}
