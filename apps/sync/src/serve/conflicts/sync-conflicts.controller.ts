import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  SyncConflictKind,
  SyncConflictsServiceService as Methods,
  type GetSyncConflictRequest,
  type ListSyncConflictsRequest,
  type ListSyncConflictsResponse,
  type ResolveSyncConflictRequest,
  type SyncConflict as SyncConflictMessage,
  type SyncConflictCount,
  type SyncConflictsServiceServer,
} from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { conflictQuery, type ConflictRow } from '../../exchange/conflicts/conflict-row.js';
import { checkRights, exchangeableObjects } from '../../exchange/connections/check-rights.js';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';
import { JobQueue } from '../../storage/job-queue.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { findMapping } from '../mappings/write-mapping.js';
import { conflictMessages, findConflict } from './conflict-message.js';
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
    const { mappingId, pageSize = 50, pageToken, kind } = request;
    if (mappingId === undefined) checkRights();
    else checkRights(exchangedType((await findMapping(this.em, mappingId)).object));
    const { tenantId } = currentCaller();
    const objects = exchangeableObjects();
    const binding = `ListSyncConflicts ${tenantId} ${mappingId ?? ''} ${kind}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    const rows = await readForTenant<ConflictRow>(this.em, {
      sql: `${conflictQuery} and ($2::uuid is null or conflict.mapping_id = $2) and ($3::uuid is null or conflict.id < $3)
        and ($5::text is null or conflict.kind = $5) and mapping.object = any ($6::text[])
        order by conflict.id desc limit $4`,
      values: [tenantId, mappingId ?? null, after, pageSize + 1, kind ? SyncConflictKind[kind] : null, objects],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      syncConflicts: await conflictMessages(this.#run, this.envelope, tenantId, page),
      counts: await this.#counts(tenantId, mappingId, objects),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  async getSyncConflict({ id }: GetSyncConflictRequest): Promise<SyncConflictMessage> {
    const conflict = await findConflict(this.em, id);
    checkRights(exchangedType(conflict.object));
    const [message] = await conflictMessages(this.#run, this.envelope, currentCaller().tenantId, [conflict]);
    if (!message) throw new Error('A conflict has no message.');
    return message;
  }

  resolveSyncConflict(request: ResolveSyncConflictRequest): Promise<SyncConflictMessage> {
    return writeCall(this.em, this.envelope, Methods.resolveSyncConflict, request, (em) =>
      resolveConflict(em, this.envelope, this.jobs, request),
    );
  }

  async #counts(tenantId: string, mappingId: string | undefined, objects: string[]): Promise<SyncConflictCount[]> {
    const rows = await this.#run<{ kind: keyof typeof SyncConflictKind; count: number }>({
      name: 'count_conflicts',
      sql: `select kind, count(*)::int as count from sync_conflict
        where tenant_id = $1 and ($2::uuid is null or mapping_id = $2) and exists (
          select from mapping where tenant_id = $1 and id = sync_conflict.mapping_id and object = any ($3::text[]))
        group by kind order by kind`,
      values: [tenantId, mappingId ?? null, objects],
    });
    return rows.map(({ kind, count }) => ({ kind: SyncConflictKind[kind], count }));
  }

  readonly #run = <Row extends object>(statement: Statement) => readForTenant<Row>(this.em, statement);
}
