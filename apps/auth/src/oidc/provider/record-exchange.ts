import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { securityEventStatement, type SecurityEvent } from '../../security-events/security-event.js';
import { clientKeyOf, consoleClientId } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { parseAccountId } from '../records/user-accounts.js';
import { principalId } from '../tokens/store-access-token.js';

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
  const {
    AuthorizationCode: code,
    RefreshToken: refreshToken,
    AccessToken: accessToken,
    ClientCredentials: own,
  } = entities;
  const token = refreshToken ?? code ?? accessToken ?? own;
  if (!client || !token || token.clientId !== client.clientId) return;
  const { accountId } = token as { accountId?: string };
  const user = accountId === undefined ? undefined : parseAccountId(accountId);
  const key = clientKeyOf(client.clientId, user?.tenantId);
  if (!key) return;
  if (user && client.clientId === consoleClientId && context.oidc.route === 'revocation') {
    return endSession(database, user);
  }
  const of = {
    records: [`oauthClient/${key.id}`, ...(user ? [`user/${user.userId}`] : [])],
    principalId: principalId(undefined, key.id),
    detail: { token: token.kind },
  };
  const event = eventOf(context, of);
  if (event) await database.rows(securityEventStatement(event), key.tenantId);
}

/** A user who signs out of the console ends the session everywhere: all tokens of it depend on its row. */
async function endSession(
  database: OidcDatabase,
  { tenantId, userId, sessionId }: ReturnType<typeof parseAccountId>,
): Promise<void> {
  const ended = await database.rows(
    {
      name: 'end_user_session',
      sql: 'delete from user_session where tenant_id = $1 and id = $2 returning id',
      values: [tenantId, sessionId],
    },
    tenantId,
  );
  if (ended.length === 0) return;
  const event = securityEventStatement({
    kind: 'SESSION_ENDED',
    outcome: 'SUCCESS',
    records: [`session/${sessionId}`, `user/${userId}`],
    principalId: `user:${userId}`,
  });
  await database.rows(event, tenantId);
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
