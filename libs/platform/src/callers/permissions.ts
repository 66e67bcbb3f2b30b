/**
 * Whether permissions grant the one that a method requires. `objects.read`, which covers all objects, grants
 * `objects.subscription.read` too. The required permission may have a variable, as in `objects.{object}.read`: then the
 * permission for any object lets the call begin, and the method's handler checks the object of the request.
 */
export function allows(held: readonly string[], needed: string): boolean {
  if (held.includes(needed)) return true;
  const [area = '', key = '', verb] = needed.split('.');
  if (verb === undefined) return false;
  if (held.includes(`${area}.${verb}`)) return true;
  return isVariable(key) && held.some((each) => each.startsWith(`${area}.`) && each.endsWith(`.${verb}`));
}

/**
 * The intersection of two lists of permissions. Of a permission for a whole area and one for a part of it, the
 * intersection is the latter.
 */
export function commonPermissions(one: readonly string[], other: readonly string[]): string[] {
  const common = [...one.filter((each) => allows(other, each)), ...other.filter((each) => allows(one, each))];
  return [...new Set(common)];
}

/**
 * The permission that covers every value of a permission with a variable: `objects.read` for `objects.{object}.read`.
 */
export function permissionForAll(permission: string): string {
  return permission
    .split('.')
    .filter((part) => !isVariable(part))
    .join('.');
}

function isVariable(part: string): boolean {
  return part.startsWith('{');
}
