import type { Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { readForm } from '../pages/read-form.js';
import type { KeySet } from '../tokens/signing-keys.js';
import { verifyAccessToken } from '../tokens/verify-access-token.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { recordExchange } from './record-exchange.js';

const tokenPath = '/oauth/token';

/** Requests that spend, show or end tokens. */
const exchangePaths = new Set([tokenPath, '/oauth/revoke', '/oauth/introspect']);

/**
 * Makes one transaction of each exchange, so that whoever spends a token holds its grant until the new tokens are there, and
 * who revokes it comes before or after. The form is read first: no client that is slow to send it holds a connection.
 */
export function exchangeTransaction(database: OidcDatabase, issuer: string, keys: KeySet): Middleware {
  return async (context, next) => {
    if (context.method !== 'POST' || !exchangePaths.has(context.path)) return void (await next());
    const form = await readForm(context.req);
    const body = context.path === tokenPath ? form : await withTokenId(form, issuer, keys);
    // The provider takes a form that was read already from here.
    Object.assign(context.req, { body });
    await database.transaction(async () => {
      await next();
      await recordExchange(database, context as unknown as KoaContextWithOIDC);
    });
  };
}

/** The provider knows records by their id and refuses signed tokens: it gets the id of the record instead. */
async function withTokenId(form: string, issuer: string, { verifying }: KeySet): Promise<string> {
  const fields = new URLSearchParams(form);
  const [token, ...others] = fields.getAll('token');
  if (token === undefined || others.length > 0 || !token.includes('.')) return form;
  const claims = await verifyAccessToken(token, issuer, verifying);
  fields.set('token', claims?.jti ?? 'unknown');
  return fields.toString();
}
