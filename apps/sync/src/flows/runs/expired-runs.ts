import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { batchSize, deleteAll } from '../../storage/delete-expired.js';
import type { ReleaseRuns } from './run-hooks.js';

/** Minimum retention of ended runs, in days. */
const runDays = 90;

/** Retention of signals, in days. */
const signalDays = 30;

/**
 * Deletes ended runs with their history, and signals, after their retention. What is kept under the effect keys of the
 * runs is released before: a run that is left after a crash is deleted by the next pass.
 */
export async function clearExpiredRuns(em: EntityManager, tenantId: string, release: ReleaseRuns): Promise<void> {
  await deleteAll(em, tenantId, deleteSignals, signalDays);
  for (;;) {
    const runs = await readForTenant<{ id: string }>(em, {
      sql: `select id from flow_run where tenant_id = $1 and end_time < now() - make_interval(days => $2)
        order by end_time limit ${batchSize}`,
      values: [tenantId, runDays],
    });
    const runIds = runs.map(({ id }) => id);
    if (runIds.length === 0) return;
    await release(tenantId, runIds);
    await readForTenant(em, {
      sql: 'delete from flow_run where tenant_id = $1 and id = any ($2) and end_time is not null',
      values: [tenantId, runIds],
    });
  }
}

const deleteSignals = `
  delete from flow_signal where (tenant_id, id) in (
    select tenant_id, id from flow_signal
    where tenant_id = $1 and create_time < now() - make_interval(days => $2)
    limit ${batchSize} for update skip locked)`;
