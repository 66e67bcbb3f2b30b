import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ClaimUserStatesResponse,
  ConfirmUserStatesRequest,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import { requireSync } from '@rapport/platform';

/** Most changes of a claim: sync reports those of all its tenants at once. */
const maxClaimed = 50;

/** How long a claim lasts, in seconds: without a confirmation, its changes can be claimed again then. */
const leaseSeconds = 10;

interface ClaimedRow {
  tenant_id: string;
  user_id: string;
  position: string;
  is_inactive: boolean;
}

/** Handles ClaimUserStates. Triggers on `user_account` note the changes. @throws AppError PERMISSION_DENIED */
export async function claimUserStates(em: EntityManager): Promise<ClaimUserStatesResponse> {
  requireSync();
  const rows = await em.execute<ClaimedRow[]>(
    `with due as (
       select tenant_id, user_id from user_state_change where due_time <= clock_timestamp()
       order by due_time limit ? for update skip locked)
     update user_state_change change set due_time = clock_timestamp() + make_interval(secs => ?)
     from due where change.tenant_id = due.tenant_id and change.user_id = due.user_id
     returning change.tenant_id, change.user_id, change.position::text as position, is_inactive`,
    [maxClaimed, leaseSeconds],
  );
  return {
    changes: rows.map((row) => ({
      ...{ tenantId: row.tenant_id, userId: row.user_id, position: row.position, isInactive: row.is_inactive },
    })),
  };
}

/** Handles ConfirmUserStates. A user that has changed since its claim stays due. @throws AppError PERMISSION_DENIED */
export async function confirmUserStates(em: EntityManager, { changes }: ConfirmUserStatesRequest): Promise<void> {
  requireSync();
  await em.execute(
    `update user_state_change change set due_time = null
     from json_to_recordset(?::json) as known ("tenantId" uuid, "userId" uuid, position bigint)
     where change.tenant_id = known."tenantId" and change.user_id = known."userId" and change.position = known.position`,
    [JSON.stringify(changes)],
  );
}
