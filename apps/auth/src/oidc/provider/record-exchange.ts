import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { securityEventStatement, type SecurityEvent } from '../../security-events/security-event.js';
import { parseClientId } from '../clients/client-id.js';
import { principalId, userIdOf } from '../tokens/store-access-token.js';
import type { OidcDatabase } from '../records/oidc-database.js';

/** Requests in which the provider revoked a grant because a token was reused. */
const revoking = new WeakSet<object>();

/** Tracks the provider's own revocations for `recordExchange`. */
export function trackRevocations(provider: Provider): void {
  provider.on('grant.revoked', (context) => revoking.add(context));
}

/**
 * Records a revocation of tokens, or the reuse of a consumed token, which revokes its family. It runs in the transaction of the
 * exchange, as its last statement, because it locks the tenant's chain of security events.
 */
export async function recordExchange(database: OidcDatabase, context: KoaContextWithOIDC): Promise<void> {
  const { client, entities } = context.oidc;
  const key = parseClientId(client?.clientId ?? '');
  if (!key) return;
  const {
    AuthorizationCode: code,
    RefreshToken: refreshToken,
    AccessToken: accessToken,
    ClientCredentials: own,
  } = entities;
  const token = refreshToken ?? code ?? accessToken ?? own;
  if (!token || token.clientId !== client?.clientId) return;
  const userId = 'accountId' in token ? userIdOf(token.accountId) : undefined;
  const of = {
    records: [`oauthClient/${key.id}`, ...(userId === undefined ? [] : [`user/${userId}`])],
    principalId: principalId(undefined, key.id),
    detail: { token: token.kind },
  };
  const event = eventOf(context, of);
  if (event) await database.rows(securityEventStatement(event), key.tenantId);
}

function eventOf(
  context: KoaContextWithOIDC,
  of: Pick<SecurityEvent, 'records' | 'principalId' | 'detail'>,
): SecurityEvent | undefined {
  if (context.oidc.route === 'revocation') return { kind: 'TOKEN_REVOKED', outcome: 'SUCCESS', ...of };
  return revoking.has(context)
    ? { kind: 'TOKEN_REUSED', outcome: 'DENIED', reason: 'GRANT_REVOKED', ...of }
    : undefined;
}
