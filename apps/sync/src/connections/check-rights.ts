import { AppError, currentCaller, permissionMissing, type Caller } from '@rapport/platform';

/** What a connection does with customers, which who it acts as must be allowed to do. */
const needed = ['customers.read', 'customers.write'];

/**
 * Who sets up an exchange could read and write by it whatever the connection can: so it takes the same rights. And customers that
 * are hidden from who it acts as would look deleted.
 *
 * @throws AppError PERMISSION_DENIED
 */
export function checkRights({ permissions, recordScope = 'ALL', hidesPii = false }: Caller = currentCaller()): void {
  const missing = needed.find((permission) => !permissions.includes(permission));
  if (missing) throw permissionMissing(missing);
  if (recordScope !== 'ALL') {
    const message = `Records are exchanged whosever they are: who may see those of the scope ${recordScope} only can't exchange them.`;
    throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message, { metadata: { recordScope } });
  }
  if (hidesPii) {
    const message = 'Records are exchanged with their personal data: who may not see it can not exchange them.';
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
