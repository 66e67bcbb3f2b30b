import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { Tenant } from '../storage/tenant.entity.js';

/**
 * Locks the tenant until the transaction ends, so that changes of its users, roles and teams are serialised. What they check,
 * such as that an active admin remains or that a role is unused, stays true until the commit.
 *
 * @param em in a transaction
 */
export function lockTenant(em: EntityManager): Promise<Tenant> {
  return em.findOneOrFail(Tenant, { id: currentCaller().tenantId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}
