import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  SyncConflictsServiceService as Methods,
  type GetSyncConflictRequest,
  type ListSyncConflictsRequest,
  type ListSyncConflictsResponse,
  type ResolveSyncConflictRequest,
  type SyncConflict as SyncConflictMessage,
  type SyncConflictsServiceServer,
} from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { checkRights } from '../connections/check-rights.js';
import { JobQueue } from '../jobs/job-queue.js';
import { PageTokenKey } from '../page-token-key.js';
import { SecretEnvelope } from '../secrets/secret-envelope.js';
import { writeCall } from '../write-call.js';
import { conflictMessage, conflictQuery, findConflict, type ConflictRow } from './conflict-message.js';
import { resolveConflict } from './resolve-conflict.js';

@Controller()
@ImplementsService(Methods)
export class SyncConflictsController implements ServiceHandlers<SyncConflictsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly jobs: JobQueue,
    private readonly key: PageTokenKey,
  ) {}

  async listSyncConflicts(request: ListSyncConflictsRequest): Promise<ListSyncConflictsResponse> {
    checkRights();
    const { mappingId, pageSize = 50, pageToken } = request;
    const { tenantId } = currentCaller();
    const binding = `ListSyncConflicts ${tenantId} ${mappingId ?? ''}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key.bytes, binding, pageToken);
    const rows = await readForTenant<ConflictRow>(this.em, {
      sql: `${conflictQuery} and ($2::uuid is null or conflict.mapping_id = $2) and ($3::uuid is null or conflict.id < $3)
        order by conflict.id desc limit $4`,
      values: [tenantId, mappingId ?? null, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      syncConflicts: page.map((row) => conflictMessage(this.envelope, tenantId, row)),
      nextPageToken: last && signPageToken(this.key.bytes, binding, [last.id]),
    };
  }

  async getSyncConflict({ id }: GetSyncConflictRequest): Promise<SyncConflictMessage> {
    checkRights();
    return conflictMessage(this.envelope, currentCaller().tenantId, await findConflict(this.em, id));
  }

  resolveSyncConflict(request: ResolveSyncConflictRequest): Promise<SyncConflictMessage> {
    return writeCall(this.em, this.envelope, Methods.resolveSyncConflict, request, (em) =>
      resolveConflict(em, this.envelope, this.jobs, request),
    );
  }
}
