import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { runColumns, type RunRow } from '../../exchange/runs/run-store.js';

/** @throws AppError NOT_FOUND, also for a run of another tenant */
export async function findRun(em: EntityManager, id: string): Promise<RunRow> {
  const [row] = await readForTenant<RunRow>(em, {
    name: 'find_run',
    sql: `select ${runColumns} from sync_run where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (row) return row;
  throw new AppError('NOT_FOUND', 'SYNC_RUN_NOT_FOUND', 'There is no such run.');
}
