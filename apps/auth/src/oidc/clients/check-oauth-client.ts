import {
  OAuthGrantType,
  type OAuthClient as OAuthClientMessage,
} from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { checkHeld } from '../../access/check-held.js';
import { unknownPermissions } from '../../access/check-permissions.js';
import type { Rights } from '../../access/rights.js';
import { isLoopback, originViolations } from './allowed-origins.js';

const { AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS } = OAuthGrantType;

/** The names that OAuth has for grant types, such as `authorization_code`. */
export function grantTypeNames(types: readonly OAuthGrantType[]): string[] {
  return [...new Set(types)].map((type) => (OAuthGrantType[type] ?? '').toLowerCase());
}

/** @throws AppError INVALID_ARGUMENT for each field that does not fit, PERMISSION_DENIED for what the caller does not hold */
export function checkOAuthClient(client: OAuthClientMessage): void {
  const violations = [
    ...grantViolations(client),
    ...redirectViolations(client),
    ...originViolations(client.allowedOrigins),
    ...(client.permissions.length === 0 ? [required('oauthClient.permissions', 'must name at least one')] : []),
    ...unknownPermissions('oauthClient.permissions', client.permissions),
  ];
  if (violations.length > 0) throw invalidArgument(violations);
  checkHeld(powerOf(client.permissions, client.grantTypes.includes(CLIENT_CREDENTIALS)));
}

/**
 * What who has the secret of a client may do by it.
 *
 * @param actsForItself whether it may do so without a user, whose rights would bound it
 */
export function powerOf(permissions: readonly string[], actsForItself: boolean): Rights {
  return { permissions, recordScope: actsForItself ? 'ALL' : 'OWN', teamIds: [], hidesPii: !actsForItself };
}

function grantViolations({ grantTypes, confidential }: OAuthClientMessage): FieldViolation[] {
  const at = (type: OAuthGrantType) => `oauthClient.grantTypes[${grantTypes.indexOf(type)}]`;
  const violations: FieldViolation[] = [];
  if (grantTypes.length === 0) violations.push(required('oauthClient.grantTypes', 'must name at least one'));
  if (grantTypes.includes(CLIENT_CREDENTIALS) && !confidential) {
    const description = 'is for confidential clients only';
    violations.push({ field: at(CLIENT_CREDENTIALS), reason: 'GRANT_TYPE_NEEDS_SECRET', description });
  }
  if (grantTypes.includes(REFRESH_TOKEN) && !grantTypes.includes(AUTHORIZATION_CODE)) {
    const description = 'needs AUTHORIZATION_CODE beside it';
    violations.push({ field: at(REFRESH_TOKEN), reason: 'GRANT_TYPE_ALONE', description });
  }
  return violations;
}

function redirectViolations({ grantTypes, redirectUris, confidential }: OAuthClientMessage): FieldViolation[] {
  if (grantTypes.includes(AUTHORIZATION_CODE) && redirectUris.length === 0) {
    return [required('oauthClient.redirectUris', 'must name where AUTHORIZATION_CODE leads')];
  }
  return redirectUris.flatMap((uri, index) =>
    isRedirectUri(uri, confidential)
      ? []
      : [
          {
            field: `oauthClient.redirectUris[${index}]`,
            reason: 'REDIRECT_URI_INVALID',
            description: 'must be an https URL without user and fragment, or http for a loopback address',
          },
        ],
  );
}

/** RFC 8252, sections 7 and 8.4: a scheme of one's own is a domain name turned round, and is no secret server's. */
function isRedirectUri(text: string, confidential: boolean): boolean {
  const url = URL.parse(text);
  // Compared as text, so it must be the text that browsers make of it.
  if (!url || text.includes('#') || text.includes('*') || url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  if (url.protocol === 'http:') return isLoopback(url);
  return !confidential && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol);
}

function required(field: string, description: string): FieldViolation {
  return { field, reason: 'REQUIRED', description };
}
