import type { EntityManager } from '@mikro-orm/postgresql';
import { SyncConflictKind } from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import {
  SyncRunKind,
  type CreateSyncRunRequest,
  type PairMappingRequest,
  type ResolveConflictsRequest,
  type SyncRun as SyncRunMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { fromKysely } from 'pg-boss';
import { v7 as uuidv7 } from 'uuid';
import { sentChoice } from '../../exchange/conflicts/choices.js';
import { checkRights } from '../../exchange/connections/check-rights.js';
import { findConnection } from '../../exchange/connections/find-connection.js';
import type { ConflictKind } from '../../exchange/links/conflict-store.js';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';
import { mayRunPaused, runColumns, type ResolveRequest, type RunRow } from '../../exchange/runs/run-store.js';
import type { Mapping } from '../../exchange/mappings/mapping.entity.js';
import type { JobQueue } from '../../storage/job-queue.js';
import { findMapping } from '../mappings/write-mapping.js';
import { runMessage } from './run-message.js';

/** Most requested runs of a mapping that wait for their turn. */
const maxWaiting = 100;

/** A requested run. */
interface WantedRun {
  mappingId: string;
  kind: RunRow['kind'];
  dryRun?: boolean;
  allowMassDelete?: boolean;
  request?: ResolveRequest;
}

/** Handles CreateSyncRun. Like all functions here, it runs in a transaction. */
export function createRun(
  em: EntityManager,
  jobs: JobQueue,
  { syncRun: wanted }: CreateSyncRunRequest,
): Promise<SyncRunMessage> {
  if (!wanted) throw invalidArgument([{ field: 'syncRun', reason: 'REQUIRED', description: 'is required' }]);
  if (wanted.kind === SyncRunKind.RESOLVE) {
    const description = 'is for conflicts of a mapping: POST /v1/mappings/{id}:resolveConflicts';
    throw invalidArgument([{ field: 'syncRun.kind', reason: 'KIND_UNFIT', description }]);
  }
  const { mappingId, dryRun, allowMassDelete } = wanted;
  const kind = SyncRunKind[wanted.kind || SyncRunKind.EXCHANGE] as RunRow['kind'];
  return askForRun(em, jobs, { mappingId, kind, dryRun, allowMassDelete });
}

/** Handles PairMapping. */
export function pairMapping(
  em: EntityManager,
  jobs: JobQueue,
  { id, pairing }: PairMappingRequest,
): Promise<SyncRunMessage> {
  return askForRun(em, jobs, { mappingId: id, kind: 'PAIR', dryRun: pairing?.dryRun ?? false });
}

/** Handles ResolveConflicts. */
export function resolveConflicts(
  em: EntityManager,
  jobs: JobQueue,
  { id, resolution }: ResolveConflictsRequest,
): Promise<SyncRunMessage> {
  const { kind = SyncConflictKind.UNSPECIFIED, minScore } = resolution ?? {};
  const request = {
    choice: sentChoice(resolution?.choice),
    ...(kind !== SyncConflictKind.UNSPECIFIED && { kind: SyncConflictKind[kind] as ConflictKind }),
    ...(minScore !== undefined && { minScore }),
  };
  return askForRun(em, jobs, { mappingId: id, kind: 'RESOLVE', request });
}

async function askForRun(em: EntityManager, jobs: JobQueue, wanted: WantedRun): Promise<SyncRunMessage> {
  const { kind, dryRun = false, allowMassDelete = false, request } = wanted;
  const mapping = await findMapping(em, wanted.mappingId);
  checkRights(exchangedType(mapping.object));
  const connection = await findConnection(em, mapping.connectionId);
  const isPaused = mapping.state === 'PAUSED' && !mayRunPaused({ kind, dry_run: dryRun });
  if (isPaused || connection.state === 'DISABLED') {
    throw new AppError('FAILED_PRECONDITION', 'MAPPING_DISABLED', 'The mapping or its connection is not enabled.');
  }
  await checkRoom(em, mapping);
  const row = await queueRun(em, jobs, { ...wanted, mappingId: mapping.id });
  const detail = { kind, dryRun, allowMassDelete, ...(request && { request }) };
  await recordAuditEvent(em, { kind: 'SYNC_RUN_CREATED', records: [`mapping/${mapping.id}`], detail });
  return runMessage(row);
}

/** All processes look through the queue of all tenants. */
async function checkRoom(em: EntityManager, { tenantId, id }: Mapping): Promise<void> {
  if ((await waitingRuns(em, tenantId, id)).length < maxWaiting) return;
  const message = `${maxWaiting} requested runs of the mapping wait already.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'SYNC_RUN_LIMIT', message, { retryAfterSeconds: 10 });
}

/** Runs of a mapping begin in their order, so those that wait are its newest ones, besides an automatic one. */
function waitingRuns(
  em: EntityManager,
  tenantId: string,
  mappingId: string,
): Promise<Pick<RunRow, 'kind' | 'dry_run'>[]> {
  return queryRows(em, {
    name: 'find_waiting_runs',
    sql: `select kind, dry_run from (
        select kind, dry_run, state, is_automatic from sync_run where tenant_id = $1 and mapping_id = $2 order by id desc limit $3) newest
      where state = 'QUEUED' and not is_automatic`,
    values: [tenantId, mappingId, 2 * maxWaiting],
  });
}

/** Queues a run that exchanges what the transaction has changed, unless one waits that will. */
export async function queueExchange(em: EntityManager, jobs: JobQueue, mappingId: string): Promise<void> {
  // Until the transaction ends, no queued run starts, so none can miss what it has changed.
  const sql = 'select pg_advisory_xact_lock_shared(hashtextextended($1, 0))';
  await queryRows(em, { name: 'hold_runs_of_mapping', sql, values: [`run ${mappingId}`] });
  const waiting = await waitingRuns(em, currentCaller().tenantId, mappingId);
  if (waiting.some(({ kind, dry_run: isDry }) => kind === 'EXCHANGE' && !isDry)) return;
  await queueRun(em, jobs, { mappingId, kind: 'EXCHANGE' });
}

/** Queues a run in any state of its mapping. */
async function queueRun(
  em: EntityManager,
  jobs: JobQueue,
  { mappingId, kind, dryRun = false, allowMassDelete = false, request }: WantedRun,
): Promise<RunRow> {
  const { tenantId } = currentCaller();
  const runId = uuidv7();
  const [row] = await queryRows<RunRow>(em, {
    sql: `insert into sync_run (tenant_id, id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic, request)
      values ($1, $2, $3, $4, $5, $6, 'QUEUED', false, $7) returning ${runColumns}`,
    values: [
      ...[tenantId, runId, mappingId, kind, dryRun, allowMassDelete],
      ...[request === undefined ? null : JSON.stringify(request)],
    ],
  });
  if (!row) throw new Error('An insert returned no row.');
  await jobs.send({ tenantId, mappingId, runId }, fromKysely(em.getKysely()));
  return row;
}
