import type { EntityManager } from '@mikro-orm/postgresql';
import type { ReportClosingPassRequest } from '@rapport/contracts/rapport/auth/v1/workspace_closings_service';
import { removeTenant, tenantSession } from '@rapport/persistence';
import { AppError, metrics } from '@rapport/platform';
import { Gauge } from 'prom-client';

/** The condition for a closing to be complete. */
export class ClosingRules {
  /** @param settleSeconds how long passes must find no rows: longer than any work that began before the closing can run */
  constructor(readonly settleSeconds: number) {}
}

/** Largest number of closings in one list. */
const maxListed = 100;

/** Closed tenants whose data may not be removed completely, oldest closing first. */
export async function openClosings(em: EntityManager): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    'select id from closed_tenant where complete_time is null order by request_time limit ?',
    [maxListed],
  );
  return rows.map(({ id }) => id);
}

/**
 * Stores what a pass over the other databases removed. When passes have found no rows for the settle time, removes auth's own rows.
 *
 * @throws AppError NOT_FOUND when the tenant has no open closing
 */
export async function reportPass(
  em: EntityManager,
  { tenantId, customersRows, syncRows, isComplete }: ReportClosingPassRequest,
  { settleSeconds }: ClosingRules,
): Promise<void> {
  const hasFound = !isComplete || customersRows > 0 || syncRows > 0;
  const [closing] = await em.execute<{ is_settled: boolean }[]>(
    `update closed_tenant set customers_rows = customers_rows + ?, sync_rows = sync_rows + ?,
       found_time = case when ? then now() else found_time end
     where id = ? and complete_time is null returning found_time < now() - make_interval(secs => ?) as is_settled`,
    [customersRows, syncRows, hasFound, tenantId, settleSeconds],
  );
  if (!closing) throw new AppError('NOT_FOUND', 'CLOSING_NOT_FOUND', 'No closing of this tenant is open.');
  if (!closing.is_settled) return;
  const ofTenant = em.fork({ session: tenantSession(tenantId) });
  const own = await removeTenant(ofTenant, { tenantId, history: ['remove_audit'] });
  const isEmpty = own.isComplete && own.rows === 0;
  await em.execute(
    `update closed_tenant set auth_rows = auth_rows + ?, complete_time = case when ? then now() end
     where id = ? and complete_time is null`,
    [own.rows, isEmpty, tenantId],
  );
}

/** Makes the gauges of open closings read from the database of an EntityManager. */
export function reportClosings(em: EntityManager): void {
  measured = em;
}

let measured: EntityManager | undefined;

const oldest = new Gauge({
  name: 'rapport_closing_oldest_seconds',
  help: 'Age of the oldest open closing, in seconds.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_closings_open',
  help: 'Closed workspaces whose data may not be removed completely.',
  registers: [metrics],
  async collect() {
    // NaN while the database cannot be reached: zero would look healthy.
    const [state] =
      (await measured
        ?.fork()
        .execute<{ open: number; oldest: number }[]>(stateSql)
        .catch(() => [])) ?? [];
    this.set(state?.open ?? Number.NaN);
    oldest.set(state?.oldest ?? Number.NaN);
  },
});

const stateSql = `select count(*)::int as open,
    coalesce(extract(epoch from now() - min(request_time)), 0)::double precision as oldest
  from closed_tenant where complete_time is null`;
