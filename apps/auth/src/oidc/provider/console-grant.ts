import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import { consoleClientId, consoleClientKey } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { parseAccountId } from '../records/user-accounts.js';

/**
 * The grant of a user to the console, which asks for no consent: it is a part of the platform, and has the user's own rights. The
 * first sign-in of a workspace creates the workspace's row of the client, which the records of its sessions belong to.
 */
export async function consoleGrant({ oidc }: KoaContextWithOIDC, database: OidcDatabase): Promise<Grant | undefined> {
  const { session, account, prompts, result, provider } = oidc;
  // The user of the session is about to be replaced.
  if (!account || (prompts.has('login') && !result?.login)) return undefined;
  const { accountId } = account;
  const grantId = session?.grantIdFor(consoleClientId);
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (known?.accountId === accountId) return known;
  const { tenantId } = parseAccountId(accountId);
  await database.rows({ name: 'add_console_client', sql: addSql, values: [tenantId, consoleClientKey] }, tenantId);
  const grant = new provider.Grant({ accountId, clientId: consoleClientId });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

const addSql = `
  insert into oauth_client (tenant_id, id, display_name, redirect_uris, grant_types, permissions, create_time, update_time)
  values ($1, $2, 'Rapport', '{}', '{authorization_code,refresh_token}', '{}', now(), now())
  on conflict (tenant_id, id) do nothing`;
