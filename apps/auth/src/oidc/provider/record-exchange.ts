import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { securityEventStatement, type SecurityEvent } from '../../security-events/security-event.js';
import { parseClientId } from '../clients/client-id.js';
import { principalId, userIdOf } from '../tokens/keep-access-token.js';
import type { OidcDatabase } from '../records/oidc-database.js';

/** Requests whose grant the provider has revoked because a token of it came back. */
const revoking = new WeakSet<object>();

/** Has `recordExchange` know what the provider does by itself. */
export function noticeRevocations(provider: Provider): void {
  provider.on('grant.revoked', (context) => revoking.add(context));
}

/**
 * Notes, in the transaction of an exchange, that tokens were revoked, or that a spent one came back and took its family with
 * it. It comes last: others of the tenant wait for the chain from here on.
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
