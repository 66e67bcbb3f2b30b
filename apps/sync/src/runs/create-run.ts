import type { EntityManager } from '@mikro-orm/postgresql';
import {
  SyncRunKind,
  type CreateSyncRunRequest,
  type SyncRun as SyncRunMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { fromKysely } from 'pg-boss';
import { v7 as uuidv7 } from 'uuid';
import { checkRights } from '../connections/check-rights.js';
import { findConnection } from '../connections/write-connection.js';
import { runColumns, type RunRow } from '../exchange/run-store.js';
import type { JobQueue } from '../jobs/job-queue.js';
import { findMapping } from '../mappings/write-mapping.js';
import { runMessage } from './run-message.js';

/** Answers CreateSyncRun. Runs in a transaction. */
export async function createRun(
  em: EntityManager,
  jobs: JobQueue,
  { syncRun: wanted }: CreateSyncRunRequest,
): Promise<SyncRunMessage> {
  checkRights();
  if (!wanted) throw invalidArgument([{ field: 'syncRun', reason: 'REQUIRED', description: 'is required' }]);
  const { tenantId } = currentCaller();
  const mapping = await findMapping(em, wanted.mappingId);
  const connection = await findConnection(em, mapping.connectionId);
  if (mapping.state === 'PAUSED' || connection.state === 'DISABLED') {
    throw new AppError('FAILED_PRECONDITION', 'MAPPING_DISABLED', 'The mapping or its connection is not enabled.');
  }
  const kind = wanted.kind === SyncRunKind.RECONCILE ? 'RECONCILE' : 'EXCHANGE';
  const runId = uuidv7();
  const [row] = await queryRows<RunRow>(em, {
    sql: `insert into sync_run (tenant_id, id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic)
      values ($1, $2, $3, $4, $5, $6, 'QUEUED', false) returning ${runColumns}`,
    values: [tenantId, runId, mapping.id, kind, wanted.dryRun, wanted.allowMassDelete],
  });
  if (!row) throw new Error('An insert returned no row.');
  await jobs.send({ tenantId, mappingId: mapping.id, runId }, fromKysely(em.getKysely()));
  const detail = { kind, dryRun: wanted.dryRun, allowMassDelete: wanted.allowMassDelete };
  await recordAuditEvent(em, { kind: 'SYNC_RUN_CREATED', records: [`mapping/${mapping.id}`], detail });
  return runMessage(row);
}
