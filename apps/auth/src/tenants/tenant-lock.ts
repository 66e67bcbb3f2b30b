import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { Tenant } from '../storage/tenant.entity.js';

/**
 * Has the changes of a tenant's users, roles and teams come one after the other until the transaction ends: what they
 * check, such as that somebody is still admin or that nobody has a role, then stays true.
 *
 * @param em in a transaction
 */
export function lockTenant(em: EntityManager): Promise<Tenant> {
  return em.findOneOrFail(Tenant, { id: currentCaller().tenantId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}
