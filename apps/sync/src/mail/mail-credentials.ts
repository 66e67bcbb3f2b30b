import type { MailCredentials } from '@rapport/contracts/rapport/mail/v1/mail_credentials';
import { invalidArgument } from '@rapport/platform';

/** How to sign in at a mail server, without secrets: a column of relays and mailboxes. */
export interface SignIn {
  user: string;
  /** Absent for a password. */
  oauth2?: { tokenUrl: string; clientId: string; scope?: string };
}

/** The secrets of a sign-in. They are sealed with other secrets of their row. */
export interface SignInSecrets {
  password?: string;
  clientSecret?: string;
  refreshToken?: string;
}

/**
 * Divides credentials of a request.
 *
 * @param field their place in the request, such as `relay.credentials`
 * @param mayCall whether the URL of tokens may be called
 * @throws AppError INVALID_ARGUMENT
 */
export function readCredentials(
  { user, password, oauth2 }: MailCredentials,
  field: string,
  mayCall: (url: URL) => boolean,
): { signIn: SignIn; secrets: SignInSecrets } {
  if (password !== undefined && oauth2) throw refused(`${field}.oauth2`, 'CONFLICTING_FIELDS', 'excludes `password`');
  if (!oauth2) {
    if (password === undefined) throw refused(`${field}.password`, 'REQUIRED', 'is required');
    return { signIn: { user }, secrets: { password } };
  }
  const { tokenUrl, clientId, scope, clientSecret, refreshToken } = oauth2;
  if (refreshToken === undefined) throw refused(`${field}.oauth2.refreshToken`, 'REQUIRED', 'is required');
  if (!mayCall(new URL(tokenUrl))) {
    throw refused(`${field}.oauth2.tokenUrl`, 'NOT_ALLOWED', 'must be https, at a public address');
  }
  return {
    signIn: { user, oauth2: { tokenUrl, clientId, ...(scope !== undefined && { scope }) } },
    secrets: { refreshToken, ...(clientSecret !== undefined && { clientSecret }) },
  };
}

/** The credentials of an answer, without secrets. */
export function credentialsMessage({ user, oauth2 }: SignIn): MailCredentials {
  return { user, oauth2: oauth2 && { ...oauth2 } };
}

function refused(field: string, reason: 'CONFLICTING_FIELDS' | 'NOT_ALLOWED' | 'REQUIRED', description: string) {
  return invalidArgument([{ field, reason, description }]);
}
