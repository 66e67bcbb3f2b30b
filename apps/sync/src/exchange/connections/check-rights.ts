import { AppError, currentCaller, permissionMissing, type Caller } from '@rapport/platform';
import { defaultObject, exchangedType, exchangedTypes } from '../mappings/records/exchanged-types.js';

/**
 * Checks the rights that a connection needs for records of a type. It reads and writes all of them on behalf of its
 * principal, so setting it up requires the same rights. Records that are hidden from the principal would look deleted.
 *
 * @param type customers for a connection without mappings
 * @throws AppError PERMISSION_DENIED
 */
export function checkRights(type = exchangedType(defaultObject), caller: Caller = currentCaller()): void {
  const { permissions, recordScope = 'ALL', hidesPii = false } = caller;
  const missing = [type.readPermission, type.writePermission].find((needed) => !permissions.includes(needed));
  if (missing) throw permissionMissing(missing);
  if (recordScope !== 'ALL') {
    const message = `An exchange covers all records. A caller limited to the scope ${recordScope} can't set it up.`;
    throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message, { metadata: { recordScope } });
  }
  if (hidesPii && type.hasPersonalData) {
    const message = "An exchange includes personal data. A caller without access to it can't set it up.";
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', message);
  }
}

/** The types of records that the caller has the permissions to exchange. */
export function exchangeableObjects(): string[] {
  const { permissions } = currentCaller();
  return [...exchangedTypes.values()]
    .filter(({ readPermission, writePermission }) =>
      [readPermission, writePermission].every((needed) => permissions.includes(needed)),
    )
    .map(({ object }) => object);
}

/**
 * The principal of the caller, as which a connection can act without a call.
 *
 * @throws AppError PERMISSION_DENIED for an OAuth client, which cannot act without its token
 */
export function lastingPrincipal(): string {
  const { principalId } = currentCaller();
  if (/^(user|apiKey):/.test(principalId)) return principalId;
  const message = 'A connection acts as a user or an API key. Set it up as one of them.';
  throw new AppError('PERMISSION_DENIED', 'PRINCIPAL_UNSUPPORTED', message);
}
