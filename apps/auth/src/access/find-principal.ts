import type { EntityManager } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { AppError, type Caller } from '@rapport/platform';
import { ApiKey } from '../storage/api-key.entity.js';
import { Tenant } from '../storage/tenant.entity.js';
import { rightsOfApiKey, rightsOfUser } from './principal-rights.js';
import type { Rights } from './rights.js';

/**
 * A user or an API key, with its current rights, as a caller.
 *
 * @param em not in a transaction
 * @throws AppError PERMISSION_DENIED when it does not exist or is no longer active, without telling them apart
 */
export async function findPrincipal(em: EntityManager, tenantId: string, principalId: string): Promise<Caller> {
  const ofTenant = em.fork({ session: tenantSession(tenantId) });
  const isOpen = (await ofTenant.count(Tenant, { id: tenantId })) > 0;
  const [kind, id = ''] = principalId.split(':');
  const found = kind === 'user' ? await rightsOfUser(ofTenant, id) : await rightsOfKey(ofTenant, tenantId, id);
  if (isOpen && found) return { tenantId, principalId, ...found };
  const message = 'The principal of the connection no longer has access.';
  throw new AppError('PERMISSION_DENIED', 'PRINCIPAL_ENDED', message);
}

async function rightsOfKey(em: EntityManager, tenantId: string, id: string): Promise<Rights | undefined> {
  const key = await em.findOne(ApiKey, { tenantId, id, revokeTime: null });
  const isExpired = key?.expireTime ? key.expireTime.getTime() <= Date.now() : false;
  return key && !isExpired ? rightsOfApiKey(key) : undefined;
}
