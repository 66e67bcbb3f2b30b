import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import { lockTenant } from '../../tenants/tenant-lock.js';
import type { OAuthClient } from '../../storage/oauth-client.entity.js';

/** Maximum for all clients of a tenant: every authentication response contains them. */
const maxOriginsOfTenant = 100;

/** SQL expression for the distinct origins of the tenant `$1`, as an array. */
export const originsOfTenant = `array(select distinct unnest(allowed_origins) from oauth_client
    where tenant_id = $1 and allowed_origins <> '{}')`;

/** One violation for each origin that no browser sends or that is insecure. */
export function originViolations(origins: readonly string[]): FieldViolation[] {
  return origins.flatMap((origin, index) => {
    if (isOrigin(origin)) return [];
    const field = `oauthClient.allowedOrigins[${index}]`;
    const description = 'must be an https origin as browsers send it, without a path, or http for a loopback address';
    return [{ field, reason: 'ORIGIN_INVALID', description }];
  });
}

/**
 * Checks the tenant's limit with the new origins of a client. Holds the tenant's lock until the transaction ends.
 *
 * @param em in a transaction
 * @throws AppError FAILED_PRECONDITION TOO_MANY_ORIGINS
 */
export async function checkOriginLimit(em: EntityManager, { id, allowedOrigins }: OAuthClientOrigins): Promise<void> {
  if (allowedOrigins.length === 0) return;
  await lockTenant(em);
  const [row] = await em.execute<[{ others: number }]>(
    `select coalesce(sum(cardinality(allowed_origins)), 0)::int as others from oauth_client
      where tenant_id = ? and id <> ? and allowed_origins <> '{}'`,
    [currentCaller().tenantId, id],
  );
  if (row.others + allowedOrigins.length <= maxOriginsOfTenant) return;
  const message = `The OAuth clients of a tenant can have at most ${maxOriginsOfTenant} allowed origins in total.`;
  throw new AppError('FAILED_PRECONDITION', 'TOO_MANY_ORIGINS', message);
}

type OAuthClientOrigins = Pick<OAuthClient, 'id' | 'allowedOrigins'>;

/** RFC 6454, section 6.2. Origins are compared as text, so the text must be the browser's serialisation. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  if (!url || url.origin !== text || text.includes('*')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

/** Whether a URL is that of the device itself, for which plain HTTP is safe. */
export function isLoopback({ hostname }: URL): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
