import { AppError } from '../app-error.js';
import { currentCaller } from './call-context.js';

/**
 * Refuses calls with an access token that create a credential or change its rights. The rights of an app end with the user's consent.
 * A key that the app created, a client
 * that it widened, or a link to the records of the user, would outlast the consent. A person in the console acts without an app.
 *
 * @throws AppError PERMISSION_DENIED API_KEY_NEEDED
 */
export function checkCredentialManagement(): void {
  const { principalId, inConsole } = currentCaller();
  if (principalId.startsWith('apiKey:') || inConsole) return;
  const message = 'An access token cannot create or change credentials. Use an API key, or the console.';
  throw new AppError('PERMISSION_DENIED', 'API_KEY_NEEDED', message);
}
