import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import { lockTenant } from '../../tenants/tenant-lock.js';
import type { OAuthClient } from '../../storage/oauth-client.entity.js';

/** Of all clients of a tenant: each of its callers has them with every credential that the edge asks about. */
const mostOfTenant = 100;

/** SQL of the distinct origins of a tenant, as an array. @param tenantId SQL of its id */
export function originsOfTenant(tenantId: string): string {
  return `array(select distinct unnest(allowed_origins) from oauth_client
    where tenant_id = ${tenantId} and allowed_origins <> '{}')`;
}

/** One for each origin that no browser sends, or that is not to be trusted. */
export function originViolations(origins: readonly string[]): FieldViolation[] {
  return origins.flatMap((origin, index) => {
    if (isOrigin(origin)) return [];
    const field = `oauthClient.allowedOrigins[${index}]`;
    const description = 'must be an https origin as browsers send it, without a path, or http for a loopback address';
    return [{ field, reason: 'ORIGIN_INVALID', description }];
  });
}

/**
 * Checks that the tenant stays within its limit when a client gets these. Holds the tenant's lock until the transaction ends.
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
  if (row.others + allowedOrigins.length <= mostOfTenant) return;
  const message = `The OAuth clients of a tenant have at most ${mostOfTenant} allowed origins together.`;
  throw new AppError('FAILED_PRECONDITION', 'TOO_MANY_ORIGINS', message);
}

type OAuthClientOrigins = Pick<OAuthClient, 'id' | 'allowedOrigins'>;

/** RFC 6454, section 6.2. Browsers compare it character by character, so it must be the text that they make of it. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  if (!url || url.origin !== text || text.includes('*')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

/** Whether a URL of http can be allowed: nobody but the device itself answers it. */
export function isLoopback({ hostname }: URL): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
