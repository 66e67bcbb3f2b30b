import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type { Tenant as TenantMessage } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { invalidField } from '@rapport/platform';
import { recordSecurityEvent } from '../security-events/security-event.js';
import type { Tenant } from '../storage/tenant.entity.js';
import { lockTenant } from './tenant-lock.js';

const updatable: Updatable<'displayName'> = {
  name: 'tenant',
  noun: 'a tenant',
  fields: ['displayName'],
  fixed: Object.fromEntries(['id', 'createTime', 'plan'].map((name) => [name, 'OUTPUT_ONLY'])),
};

/** Changes the name of the caller's tenant. @throws AppError INVALID_ARGUMENT for a name of blanks, and for other fields */
export async function renameTenant(
  em: EntityManager,
  changes: TenantMessage | undefined,
  updateMask: string[] | undefined,
): Promise<Tenant> {
  readMask(updateMask, updatable);
  const displayName = changes?.displayName.trim() ?? '';
  if (displayName === '') throw invalidField('tenant.displayName', 'REQUIRED', 'must not be blank');
  return em.transactional(async (transaction) => {
    const tenant = await lockTenant(transaction);
    transaction.assign(tenant, { displayName });
    await recordSecurityEvent(transaction, {
      kind: 'TENANT_CHANGED',
      outcome: 'SUCCESS',
      records: [`tenant/${tenant.id}`],
    });
    return tenant;
  });
}
