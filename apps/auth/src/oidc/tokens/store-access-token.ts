import type { AccessToken, ClientCredentials, UnknownObject } from 'oidc-provider';
import { clientKeyOf } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { RecordAdapter } from '../records/record-adapter.js';
import { parseAccountId } from '../records/user-accounts.js';

/**
 * Adds the claims that identify the principal to a signed access token, and stores a record of it, without the token itself.
 * Introspection, revocation and the end of its grant depend on the record.
 *
 * @param payload of the JWT, modified in place
 */
export async function storeAccessToken(
  database: OidcDatabase,
  token: AccessToken | ClientCredentials,
  payload: UnknownObject,
): Promise<void> {
  const accountId = 'accountId' in token ? token.accountId : undefined;
  const ofUser = accountId === undefined ? undefined : parseAccountId(accountId).tenantId;
  const client = clientKeyOf(token.clientId ?? '', ofUser);
  if (!client) throw new Error('An access token has no OAuth client.');
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

/** Undefined without an account. */
function userIdOf(accountId: string | undefined): string | undefined {
  return accountId === undefined ? undefined : parseAccountId(accountId).userId;
}

/** The principal that changes are attributed to. */
export function principalId(userId: string | null | undefined, clientId: string): string {
  return userId ? `user:${userId}` : `client:${clientId}`;
}
