import type { UserState } from '@rapport/contracts/rapport/work/v1/assignment_actions_service';
import type { Statement } from '@rapport/persistence';

/** Stores which users of a tenant are disabled or deleted, unless a later state is known. */
export function storeUserStates(tenantId: string, states: readonly UserState[]): Statement {
  return {
    name: 'store_user_states',
    // In the order of the ids, so that concurrent calls do not deadlock.
    sql: `insert into user_state as known (tenant_id, user_id, position, is_inactive)
      select distinct on (id) $1::uuid, id, position, is_inactive
      from unnest($2::uuid[], $3::bigint[], $4::boolean[]) as reported (id, position, is_inactive)
      order by id, position desc
      on conflict (tenant_id, user_id) do update set position = excluded.position, is_inactive = excluded.is_inactive
        where known.position < excluded.position`,
    values: [
      tenantId,
      states.map(({ userId }) => userId),
      states.map(({ position }) => position),
      states.map(({ isInactive }) => isInactive),
    ],
  };
}
