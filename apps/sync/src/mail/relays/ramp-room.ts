import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { rampDayAt, type RampUp } from './ramp-up.js';

interface RampRow {
  rampUp: RampUp;
  day: number | null;
  used: number | null;
  now: Date;
}

/** E-mails that a relay may get today. */
export interface RampShare {
  day: number;
  count: number;
  /** When the next day begins, in milliseconds. */
  dayEndMs: number;
}

/**
 * Takes a share of what the ramp-up of a relay leaves of its day, for one process. What a process that dies has taken is gone.
 *
 * @returns undefined for a relay without a limit
 */
export function takeShare(
  em: EntityManager,
  { tenantId, id }: { tenantId: string; id: string },
  wanted: number,
): Promise<RampShare | undefined> {
  return em.transactional(async (own) => {
    const [row] = await readForTenant<RampRow>(own, {
      sql: `select ramp_up as "rampUp", ramp_day as day, ramp_used as used, clock_timestamp() as now from relay
        where tenant_id = $1 and id = $2 and ramp_up is not null for update`,
      values: [tenantId, id],
    });
    if (!row) return undefined;
    const { day, limit, end } = rampDayAt(row.rampUp, new Date(row.now));
    if (limit === undefined) return undefined;
    const used = row.day === day ? (row.used ?? 0) : 0;
    const count = Math.max(0, Math.min(wanted, limit - used));
    if (count > 0) {
      await readForTenant(own, {
        sql: 'update relay set ramp_day = $3, ramp_used = $4 where tenant_id = $1 and id = $2',
        values: [tenantId, id, day, used + count],
      });
    }
    return { day, count, dayEndMs: end.getTime() };
  });
}

/** Gives back what was not sent of a share. */
export async function returnShare(
  em: EntityManager,
  { tenantId, id }: { tenantId: string; id: string },
  { day }: RampShare,
  unsent: number,
): Promise<void> {
  if (unsent === 0) return;
  await readForTenant(em, {
    sql: `update relay set ramp_used = greatest(0, ramp_used - $4)
      where tenant_id = $1 and id = $2 and ramp_day = $3`,
    values: [tenantId, id, day, unsent],
  });
}
