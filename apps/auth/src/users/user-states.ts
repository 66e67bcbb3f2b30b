import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ClaimUserStatesResponse,
  ConfirmUserStatesRequest,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import { metrics, requireSync } from '@rapport/platform';
import { Gauge } from 'prom-client';

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

/** Makes the gauge of unconfirmed states read from the database of an EntityManager. */
export function measureUserStates(em: EntityManager): void {
  measured = em;
}

let measured: EntityManager | undefined;

new Gauge({
  name: 'rapport_user_state_oldest_seconds',
  help: 'Age of the oldest change of the state of a user that customers has not confirmed, in seconds.',
  registers: [metrics],
  async collect() {
    // NaN while the database cannot be reached: zero would look healthy.
    const [state] =
      (await measured
        ?.fork()
        .execute<{ oldest: number }[]>(oldestSql)
        .catch(() => [])) ?? [];
    this.set(state?.oldest ?? Number.NaN);
  },
});

// The position of a change is its time in microseconds, and `due_time` grows with each claim.
const oldestSql = `select greatest(coalesce(extract(epoch from clock_timestamp()) - min(position) / 1e6, 0), 0)::double precision as oldest
  from user_state_change where due_time is not null`;
