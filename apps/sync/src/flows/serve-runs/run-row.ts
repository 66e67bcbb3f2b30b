import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';

/** States of runs, as the table has them. */
export type RunStatus =
  | 'RUNNING'
  | 'WAITING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'UNCERTAIN'
  | 'CANCELLED'
  | 'COMPENSATING'
  | 'COMPENSATED'
  | 'EXITED';

export interface RunRow {
  id: string;
  flow_id: string;
  version: number;
  state: RunStatus;
  cause_kind: 'RECORD' | 'TIME_FIELD' | 'SCHEDULE' | 'MANUAL' | 'SUBFLOW' | 'SEGMENT' | 'WEBHOOK';
  cause_change_id: string | null;
  cause_principal_id: string | null;
  cause_time: string;
  record_type: string | null;
  record_id: string | null;
  hop: number;
  parent_run_id: string | null;
  sealed_start: Buffer;
  sealed_state: Buffer;
  wake_time: string | null;
  waiting_for: string | null;
  step_count: number;
  start_time: string;
  end_time: string | null;
  backfill_id: string | null;
}

export const runColumns = `id, flow_id, version, state, cause_kind, cause_change_id, cause_principal_id, cause_time,
  record_type, record_id, hop, parent_run_id, sealed_start, sealed_state, wake_time, waiting_for, step_count, start_time,
  end_time, backfill_id`;

/** @throws AppError NOT_FOUND, also for a run of another tenant */
export async function findRun(em: EntityManager, id: string): Promise<RunRow> {
  const [row] = await readForTenant<RunRow>(em, {
    name: 'find_flow_run',
    sql: `select ${runColumns} from flow_run where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (!row) throw runNotFound();
  return row;
}

export function runNotFound(): AppError {
  return new AppError('NOT_FOUND', 'FLOW_RUN_NOT_FOUND', 'There is no such run.');
}
