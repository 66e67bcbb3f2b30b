import type { Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { readForm } from '../pages/read-form.js';
import type { KeySet } from '../tokens/signing-keys.js';
import { verifyAccessToken } from '../tokens/verify-access-token.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { recordExchange } from './record-exchange.js';

const tokenPath = '/oauth/token';

/** Endpoints that exchange, introspect or revoke tokens. */
const exchangePaths = new Set([tokenPath, '/oauth/revoke', '/oauth/introspect']);

/**
 * Runs each exchange in one transaction. It locks the grant until the new tokens are stored, so that a revocation comes before or
 * after it. The form is read before the transaction, so that slow clients do not hold connections.
 */
export function exchangeTransaction(database: OidcDatabase, issuer: string, keys: KeySet): Middleware {
  return async (context, next) => {
    if (context.method !== 'POST' || !exchangePaths.has(context.path)) return void (await next());
    const form = await readForm(context.req);
    const body = context.path === tokenPath ? form : await withTokenId(form, issuer, keys);
    // The provider uses this body instead of reading the request again.
    Object.assign(context.req, { body });
    await database.transaction(async () => {
      await next();
      await recordExchange(database, context as unknown as KoaContextWithOIDC);
    });
  };
}

/** Replaces a signed token with the id of its record, which is what the provider looks up. */
async function withTokenId(form: string, issuer: string, { verifying }: KeySet): Promise<string> {
  const fields = new URLSearchParams(form);
  const [token, ...others] = fields.getAll('token');
  if (token === undefined || others.length > 0 || !token.includes('.')) return form;
  const claims = await verifyAccessToken(token, issuer, verifying);
  fields.set('token', claims?.jti ?? 'unknown');
  return fields.toString();
}
