import { AppError, currentCaller } from '@rapport/platform';

/**
 * Refuses to let an access token make a credential, or change what one may do. What an app may do ends with the consent that its
 * token comes from; a key that it has made, or a client that it has widened, would not.
 *
 * @throws AppError PERMISSION_DENIED API_KEY_NEEDED
 */
export function checkLastingCredential(): void {
  if (currentCaller().principalId.startsWith('apiKey:')) return;
  const message = 'An access token can not make or change credentials. Use an API key.';
  throw new AppError('PERMISSION_DENIED', 'API_KEY_NEEDED', message);
}
