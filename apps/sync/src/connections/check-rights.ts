import { AppError, currentCaller, permissionMissing } from '@rapport/platform';

/** What a connection does with customers, which its creator must be allowed to do. */
const needed = ['customers.read', 'customers.write'];

/**
 * Who sets up an exchange could read and write by it whatever the connection can: so it takes the same rights.
 *
 * @throws AppError PERMISSION_DENIED
 */
export function checkRights(): void {
  const { permissions, recordScope = 'ALL', hidesPii = false } = currentCaller();
  const missing = needed.find((permission) => !permissions.includes(permission));
  if (missing) throw permissionMissing(missing);
  if (recordScope !== 'ALL') {
    const message = `Records are exchanged whosever they are: who may see those of the scope ${recordScope} only can't set it up.`;
    throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message, { metadata: { recordScope } });
  }
  if (hidesPii) {
    const message = 'Records are exchanged with their personal data: who may not see it can not set it up.';
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', message);
  }
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
