import type { Statement } from '@rapport/persistence';
import { securityEventStatement } from '../../security-events/security-event.js';
import { parseClientId } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { recordHash } from '../records/record-adapter.js';
import { parseAccountId } from '../records/user-accounts.js';
import type { InteractionRequest } from './interaction-request.js';

/** Scopes and claims without consent, as the consent prompt of the provider lists them. */
export interface MissingConsent {
  missingOIDCScope?: string[];
  missingOIDCClaims?: string[];
  missingResourceScopes?: Record<string, string[]>;
}

/**
 * Grants a client the requested scopes that it lacks, in one transaction with the security event. A form that is sent several times
 * grants once.
 *
 * @returns the id of the grant; undefined for an interaction that has ended meanwhile
 */
export async function grantConsent(
  { provider, interaction, tenant }: InteractionRequest,
  accountId: string,
  missing: MissingConsent,
  database: OidcDatabase,
): Promise<string | undefined> {
  const { grantId, params } = interaction;
  const clientId = params['client_id'] as string;
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant = known ?? new provider.Grant({ accountId, clientId });
  const { missingOIDCScope = [], missingOIDCClaims, missingResourceScopes = {} } = missing;
  if (missingOIDCScope.length > 0) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const user = `user/${parseAccountId(accountId).userId}`;
  const event = securityEventStatement({
    kind: 'CONSENT_GIVEN',
    outcome: 'SUCCESS',
    records: [`oauthClient/${parseClientId(clientId)?.id}`, user],
    principalId: user.replace('/', ':'),
    detail: { scopes: [...missingOIDCScope, ...Object.values(missingResourceScopes).flat()] },
  });
  return database.transaction(async () => {
    await database.rows(lockInteraction(interaction.uid));
    const current = await provider.Interaction.find(interaction.uid);
    if (!current || current.result?.consent) return current?.result?.consent?.grantId;
    const id = await grant.save();
    current.result = { consent: { grantId: id } };
    await current.persist();
    await database.rows(event, tenant?.id);
    return id;
  });
}

function lockInteraction(uid: string): Statement {
  return {
    name: 'lock_oidc_interaction',
    sql: 'select from oidc_record where hash = $1 for update',
    values: [recordHash('Interaction', uid)],
  };
}
