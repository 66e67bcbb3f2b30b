/**
 * Whether permissions allow what a call needs. `objects.read`, which is for all objects, allows `objects.subscription.read` too. What
 * the method of a call needs may have a variable, as in `objects.{object}.read`: the permission for any object lets the call begin, and
 * the handler of the method checks which object the request is about.
 */
export function allows(held: readonly string[], needed: string): boolean {
  if (held.includes(needed)) return true;
  const [area = '', key = '', verb] = needed.split('.');
  if (verb === undefined) return false;
  if (held.includes(`${area}.${verb}`)) return true;
  return isVariable(key) && held.some((each) => each.startsWith(`${area}.`) && each.endsWith(`.${verb}`));
}

/** What two lists of permissions both allow. Of a permission for all of an area and one for a part of it that is the latter. */
export function commonPermissions(one: readonly string[], other: readonly string[]): string[] {
  const common = [...one.filter((each) => allows(other, each)), ...other.filter((each) => allows(one, each))];
  return [...new Set(common)];
}

/** The permission for all that a permission with a variable, such as `objects.{object}.read`, may be about: `objects.read`. */
export function permissionForAll(permission: string): string {
  return permission
    .split('.')
    .filter((part) => !isVariable(part))
    .join('.');
}

function isVariable(part: string): boolean {
  return part.startsWith('{');
}
