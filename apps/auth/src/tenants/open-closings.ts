import type { EntityManager } from '@mikro-orm/postgresql';
import type { ReportClosingPassRequest } from '@rapport/contracts/rapport/auth/v1/workspace_closings_service';
import { removeTenant, tenantSession } from '@rapport/persistence';
import { AppError, metrics } from '@rapport/platform';
import { Gauge } from 'prom-client';

/** When a closing is complete. */
export class ClosingRules {
  /** @param settleSeconds for so long passes must find nothing: longer than anything goes on that was begun before the closing */
  constructor(readonly settleSeconds: number) {}
}

/** Closings of one list. */
const mostListed = 100;

/** Tenants of which data may be left, those that were closed first at first. */
export async function openClosings(em: EntityManager): Promise<string[]> {
  const rows = await em.execute<{ id: string }[]>(
    'select id from closed_tenant where complete_time is null order by request_time limit ?',
    [mostListed],
  );
  return rows.map(({ id }) => id);
}

/**
 * Notes what a pass over the other databases has removed, and once passes have found nothing for long enough, removes auth's own rows.
 *
 * @throws AppError NOT_FOUND when no closing of the tenant is open
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

/** Has the gauges of open closings look into the database of an EntityManager. */
export function reportClosings(em: EntityManager): void {
  measured = em;
}

let measured: EntityManager | undefined;

const oldest = new Gauge({
  name: 'rapport_closing_oldest_seconds',
  help: 'How long ago the workspace was closed whose data is being removed for longest.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_closings_open',
  help: 'Closed workspaces of which data may be left.',
  registers: [metrics],
  async collect() {
    // While the database is away nobody knows.
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
