import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  SyncRunsServiceService as Methods,
  type CreateSyncRunRequest,
  type DownloadPairingRequest,
  type GetSyncRunRequest,
  type ListSyncRunsRequest,
  type ListSyncRunsResponse,
  type PairMappingRequest,
  type ResolveConflictsRequest,
  type SyncRun as SyncRunMessage,
  type SyncRunsServiceServer,
  type WatchSyncRunRequest,
} from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { checkRights } from '../../exchange/connections/check-rights.js';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';
import { runColumns, type RunRow } from '../../exchange/runs/run-store.js';
import { JobQueue } from '../../storage/job-queue.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { findMapping } from '../mappings/write-mapping.js';
import { createRun, pairMapping, resolveConflicts } from './create-run.js';
import { downloadPairing } from './download-pairing.js';
import { findRun } from './find-run.js';
import { runMessage } from './run-message.js';
import { RunWatcher } from './watch-run.js';

@Controller()
@ImplementsService(Methods)
export class SyncRunsController implements ServiceHandlers<SyncRunsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly jobs: JobQueue,
    private readonly key: PageTokenKey,
    private readonly watcher: RunWatcher,
  ) {}

  createSyncRun(request: CreateSyncRunRequest): Promise<SyncRunMessage> {
    return writeCall(this.em, this.envelope, Methods.createSyncRun, request, (em) => createRun(em, this.jobs, request));
  }

  pairMapping(request: PairMappingRequest): Promise<SyncRunMessage> {
    return writeCall(this.em, this.envelope, Methods.pairMapping, request, (em) => pairMapping(em, this.jobs, request));
  }

  resolveConflicts(request: ResolveConflictsRequest): Promise<SyncRunMessage> {
    return writeCall(this.em, this.envelope, Methods.resolveConflicts, request, (em) =>
      resolveConflicts(em, this.jobs, request),
    );
  }

  async *downloadPairing({ id }: DownloadPairingRequest): AsyncGenerator<HttpBody> {
    const { mapping_id: mappingId } = await findRun(this.em, id);
    checkRights(exchangedType((await findMapping(this.em, mappingId)).object));
    yield* downloadPairing(this.em, id);
  }

  async getSyncRun({ id }: GetSyncRunRequest): Promise<SyncRunMessage> {
    return runMessage(await findRun(this.em, id));
  }

  async listSyncRuns({ mappingId, pageSize = 50, pageToken }: ListSyncRunsRequest): Promise<ListSyncRunsResponse> {
    const { tenantId } = currentCaller();
    const binding = `ListSyncRuns ${tenantId} ${mappingId ?? ''}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by creation time.
    const rows = await readForTenant<RunRow>(this.em, {
      sql: `select ${runColumns} from sync_run
        where tenant_id = $1 and ($2::uuid is null or mapping_id = $2) and ($3::uuid is null or id < $3)
        order by id desc limit $4`,
      values: [tenantId, mappingId ?? null, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      syncRuns: page.map(runMessage),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  watchSyncRun({ id }: WatchSyncRunRequest): AsyncIterable<SyncRunMessage> {
    return this.watcher.watch(id);
  }
}
