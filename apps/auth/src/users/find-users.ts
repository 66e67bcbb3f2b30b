import type { EntityManager } from '@mikro-orm/postgresql';
import type { FindUsersRequest, FindUsersResponse } from '@rapport/contracts/rapport/auth/v1/users_service';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { requireService } from '@rapport/platform';
import { emailKey } from '../storage/user-account.entity.js';

interface UserRow {
  id: string;
  email: string;
  display_name: string;
}

/** Most users of an answer. */
const maxUsers = 1_000;

/** Handles FindUsers. @throws AppError PERMISSION_DENIED */
export async function findUsers(em: EntityManager, { tenantId, names }: FindUsersRequest): Promise<FindUsersResponse> {
  requireService('customers');
  const rows = await readForTenant<UserRow>(em.fork({ session: tenantSession(tenantId) }), {
    name: 'find_users',
    sql: `select id, email, display_name from user_account
      where tenant_id = $1 and (email = any ($2::text[]) or lower(display_name) = any ($3::text[]))
      order by id limit ${maxUsers}`,
    values: [tenantId, names.map(emailKey), names.map((name) => name.toLowerCase())],
  });
  return { users: rows.map(({ id, email, display_name: displayName }) => ({ id, email, displayName })) };
}
