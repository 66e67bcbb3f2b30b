import { internalPermission } from '@rapport/contracts';
import type { Caller } from '@rapport/platform';

/** Stands for the platform instead of a tenant, and in a gap of a change log for every tenant. */
export const allTenants = '00000000-0000-0000-0000-000000000000';

/** The edge itself, for what it asks services on no client's behalf. */
export const edgeCaller: Caller = {
  tenantId: allTenants,
  principalId: 'service:edge',
  permissions: [internalPermission],
};
