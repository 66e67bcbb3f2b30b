import { AppError, currentCaller, permissionMissing, type Caller } from '@rapport/platform';
import { defaultObject, exchangedType, exchangedTypes } from '../mappings/records/exchanged-types.js';

/**
 * What a connection does with records of a type, which who it acts as must be allowed to do. Who sets up an exchange could read and
 * write by it whatever the connection can: so it takes the same rights. And records that are hidden from who it acts as would look
 * deleted.
 *
 * @param type customers for a connection without mappings
 * @throws AppError PERMISSION_DENIED
 */
export function checkRights(type = exchangedType(defaultObject), caller: Caller = currentCaller()): void {
  const { permissions, recordScope = 'ALL', hidesPii = false } = caller;
  const missing = [type.readPermission, type.writePermission].find((needed) => !permissions.includes(needed));
  if (missing) throw permissionMissing(missing);
  if (recordScope !== 'ALL') {
    const message = `Records are exchanged whosever they are: who may see those of the scope ${recordScope} only can't exchange them.`;
    throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message, { metadata: { recordScope } });
  }
  if (hidesPii && type.hasPersonalData) {
    const message = 'Records are exchanged with their personal data: who may not see it can not exchange them.';
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', message);
  }
}

/** The types of records that the caller could exchange. */
export function exchangeableObjects(): string[] {
  const { permissions } = currentCaller();
  return [...exchangedTypes.values()]
    .filter(({ readPermission, writePermission }) =>
      [readPermission, writePermission].every((needed) => permissions.includes(needed)),
    )
    .map(({ object }) => object);
}

/**
 * The caller as whom a connection can act later, when nobody calls.
 *
 * @throws AppError PERMISSION_DENIED for an OAuth client, which is nobody without its token
 */
export function lastingPrincipal(): string {
  const { principalId } = currentCaller();
  if (/^(user|apiKey):/.test(principalId)) return principalId;
  const message = 'A connection acts as a user or an API key. Set it up as one of them.';
  throw new AppError('PERMISSION_DENIED', 'PRINCIPAL_UNSUPPORTED', message);
}
