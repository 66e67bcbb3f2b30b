import type { Statement } from '@rapport/persistence';

/** A row of `inactiveAmong`. */
export interface InactiveUser {
  id: string;
}

/** The users of a list that are disabled or deleted. Which others exist, auth knows. */
export function inactiveAmong(tenantId: string, userIds: readonly string[]): Statement {
  return {
    name: 'inactive_users',
    sql: 'select user_id as id from user_state where tenant_id = $1 and user_id = any ($2::uuid[]) and is_inactive',
    values: [tenantId, userIds],
  };
}
