import {
  OAuthGrantType,
  type OAuthClient as OAuthClientMessage,
} from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { checkEscalation } from '../../access/check-escalation.js';
import { unknownPermissions } from '../../access/check-permissions.js';
import type { Rights } from '../../access/rights.js';
import { isLoopback, originViolations } from './allowed-origins.js';

const { AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS } = OAuthGrantType;

/** The grant types as OAuth names them, such as `authorization_code`. */
export function grantTypeNames(types: readonly OAuthGrantType[]): string[] {
  return [...new Set(types)].map((type) => (OAuthGrantType[type] ?? '').toLowerCase());
}

/** @throws AppError INVALID_ARGUMENT with each invalid field, PERMISSION_DENIED for rights that the caller lacks */
export function checkOAuthClient(client: OAuthClientMessage): void {
  const violations = [
    ...grantViolations(client),
    ...redirectViolations(client),
    ...originViolations(client.allowedOrigins),
    ...(client.permissions.length === 0 ? [required('oauthClient.permissions', 'must have at least one')] : []),
    ...unknownPermissions('oauthClient.permissions', client.permissions),
  ];
  if (violations.length > 0) throw invalidArgument(violations);
  checkEscalation(rightsOfClient(client.permissions, client.grantTypes.includes(CLIENT_CREDENTIALS)));
}

/**
 * The rights of a client with its secret.
 *
 * @param actsAsItself whether it can act without a user (client credentials). Otherwise the rights of a user bound it.
 */
export function rightsOfClient(permissions: readonly string[], actsAsItself: boolean): Rights {
  return { permissions, recordScope: actsAsItself ? 'ALL' : 'OWN', teamIds: [], hidesPii: !actsAsItself };
}

function grantViolations({ grantTypes, confidential }: OAuthClientMessage): FieldViolation[] {
  const at = (type: OAuthGrantType) => `oauthClient.grantTypes[${grantTypes.indexOf(type)}]`;
  const violations: FieldViolation[] = [];
  if (grantTypes.length === 0) violations.push(required('oauthClient.grantTypes', 'must have at least one'));
  if (grantTypes.includes(CLIENT_CREDENTIALS) && !confidential) {
    const description = 'requires a confidential client';
    violations.push({ field: at(CLIENT_CREDENTIALS), reason: 'GRANT_TYPE_NEEDS_SECRET', description });
  }
  if (grantTypes.includes(REFRESH_TOKEN) && !grantTypes.includes(AUTHORIZATION_CODE)) {
    const description = 'requires AUTHORIZATION_CODE';
    violations.push({ field: at(REFRESH_TOKEN), reason: 'GRANT_TYPE_ALONE', description });
  }
  return violations;
}

function redirectViolations({ grantTypes, redirectUris, confidential }: OAuthClientMessage): FieldViolation[] {
  if (grantTypes.includes(AUTHORIZATION_CODE) && redirectUris.length === 0) {
    return [required('oauthClient.redirectUris', 'must have at least one for AUTHORIZATION_CODE')];
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

/** RFC 8252, sections 7 and 8.4: a private-use scheme is a reversed domain name, and only for public clients. */
function isRedirectUri(text: string, confidential: boolean): boolean {
  const url = URL.parse(text);
  // URIs are compared as text, so the text must be the browser's serialisation.
  if (!url || text.includes('#') || text.includes('*') || url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  if (url.protocol === 'http:') return isLoopback(url);
  return !confidential && /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol);
}

function required(field: string, description: string): FieldViolation {
  return { field, reason: 'REQUIRED', description };
}
