import type { AccessToken, ClientCredentials, UnknownObject } from 'oidc-provider';
import { parseClientId } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { RecordAdapter } from '../records/record-adapter.js';
import { parseAccountId } from '../records/user-accounts.js';

/**
 * Gives a signed access token the claims by which the API knows its holder, and keeps a record of it: only what has a record
 * can be introspected, revoked, and ended with its grant. The token itself is not stored.
 *
 * @param payload of the JWT, changed in place
 */
export async function keepAccessToken(
  database: OidcDatabase,
  token: AccessToken | ClientCredentials,
  payload: UnknownObject,
): Promise<void> {
  const client = parseClientId(token.clientId ?? '');
  if (!client) throw new Error('An access token is of no OAuth client.');
  const accountId = 'accountId' in token ? token.accountId : undefined;
  const userId = userIdOf(accountId);
  payload['sub'] = userId ?? token.clientId;
  payload['tenant_id'] = client.tenantId;
  payload['principal_id'] = principalId(userId, client.id);
  const { jti, exp, iat, aud, scope } = payload as {
    jti: string;
    exp: number;
    iat: number;
    aud: string;
    scope?: string;
  };
  const { grantId, sessionUid, expiresWithSession, sid, gty } = token as AccessToken;
  const { kind, clientId } = token;
  const of = { kind, clientId, accountId, grantId, sessionUid, expiresWithSession, sid, gty };
  const record = { ...of, jti, exp, iat, aud, scope, extra: { sub: payload['sub'] as string } };
  await new RecordAdapter(database, kind).upsert(jti, record, exp - iat);
}

/** Undefined of what stands for no user. */
export function userIdOf(accountId: string | undefined): string | undefined {
  return accountId === undefined ? undefined : parseAccountId(accountId).userId;
}

/** Whom changes are attributed to. */
export function principalId(userId: string | null | undefined, clientId: string): string {
  return userId ? `user:${userId}` : `client:${clientId}`;
}
