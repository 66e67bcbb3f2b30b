import type { EntityManager } from '@mikro-orm/postgresql';
import type { FindOwnersRequest, FindOwnersResponse } from '@rapport/contracts/rapport/auth/v1/users_service';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { requireService } from '@rapport/platform';

interface OwnerRow {
  id: string;
  is_team: boolean;
}

/** Handles FindOwners. @throws AppError PERMISSION_DENIED */
export async function findOwners(em: EntityManager, { tenantId, ids }: FindOwnersRequest): Promise<FindOwnersResponse> {
  requireService('customers', 'sync');
  const rows = await readForTenant<OwnerRow>(em.fork({ session: tenantSession(tenantId) }), {
    name: 'find_owners',
    sql: `select id, false as is_team from user_account where tenant_id = $1 and id = any ($2::uuid[])
      union all select id, false from api_key where tenant_id = $1 and id = any ($2::uuid[])
      union all select id, true from team where tenant_id = $1 and id = any ($2::uuid[])`,
    values: [tenantId, ids],
  });
  const idsOf = (isTeam: boolean) => rows.flatMap(({ id, is_team: is }) => (is === isTeam ? [id] : []));
  return { principalIds: idsOf(false), teamIds: idsOf(true) };
}
