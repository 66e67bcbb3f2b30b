import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  HooksServiceService,
  HookState,
  type DownloadHookRequest,
  type Hook,
  type HooksServiceServer,
  type ListHooksRequest,
  type ListHooksResponse,
  type ReceiveHookRequest,
} from '@rapport/contracts/rapport/sync/v1/hooks_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { checkRights } from '../../exchange/connections/check-rights.js';
import { findConnection } from '../../exchange/connections/find-connection.js';
import { foundConnector } from '../../exchange/connections/open-connection.js';
import { HookProver } from '../../exchange/hooks/prove-hook.js';
import { hookOwner, recordHook } from '../../exchange/hooks/record-hook.js';
import { JobQueue } from '../../storage/job-queue.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { recordsOfHook } from './read-hook.js';

interface HookRow {
  id: string;
  message_id: string;
  state: 'PENDING' | 'HANDLED' | 'IGNORED';
  record_count: number;
  body_bytes: number;
  receive_time: string | Date;
}

@Controller()
@ImplementsService(HooksServiceService)
export class HooksController implements ServiceHandlers<HooksServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly prover: HookProver,
    private readonly envelope: SecretEnvelope,
    private readonly jobs: JobQueue,
    private readonly key: PageTokenKey,
  ) {}

  async receiveHook({ connection: connectionId, body, headers }: ReceiveHookRequest): Promise<Empty> {
    const delivery = {
      headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
      body: body?.data ?? new Uint8Array(),
    };
    const proven = await this.prover.prove(this.em, connectionId, delivery);
    const records = recordsOfHook(foundConnector(proven.connection.connector), proven.messageId, delivery);
    await recordHook(this.em, this.envelope, this.jobs, { ...proven, body: delivery.body, records });
    return {};
  }

  async listHooks({ connectionId, pageSize = 50, pageToken }: ListHooksRequest): Promise<ListHooksResponse> {
    const { tenantId } = currentCaller();
    await findConnection(this.em, connectionId);
    const binding = `ListHooks ${tenantId} ${connectionId}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by creation time.
    const rows = await readForTenant<HookRow>(this.em, {
      sql: `select id, message_id, cardinality(record_ids) as record_count, body_bytes, receive_time,
          case when not is_wanted then 'IGNORED' when exists (
            select from mapping
            join sync_hint hint on hint.tenant_id = $1 and hint.mapping_id = mapping.id and hint.side = 'PEER'
              and hint.record_id = any (hook.record_ids)
            where mapping.tenant_id = $1 and mapping.connection_id = $2) then 'PENDING' else 'HANDLED' end as state
        from hook where tenant_id = $1 and connection_id = $2 and ($3::uuid is null or id < $3)
        order by id desc limit $4`,
      values: [tenantId, connectionId, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return { hooks: page.map(hookMessage), nextPageToken: last && signPageToken(this.key, binding, [last.id]) };
  }

  async *downloadHook({ connectionId, id }: DownloadHookRequest): AsyncGenerator<HttpBody> {
    checkRights();
    const { tenantId } = currentCaller();
    const [row] = await readForTenant<{ sealed_body: Buffer | null }>(this.em, {
      sql: 'select sealed_body from hook where tenant_id = $1 and connection_id = $2 and id = $3',
      values: [tenantId, connectionId, id],
    });
    if (!row?.sealed_body) throw new AppError('NOT_FOUND', 'HOOK_NOT_FOUND', 'There is no body of such a webhook.');
    const data = this.envelope.open(row.sealed_body, hookOwner(tenantId, id));
    // Untrusted content: it is never served as the content type that its sender claims.
    yield { contentType: 'application/octet-stream', data, extensions: [] };
  }
}

function hookMessage(row: HookRow): Hook {
  return {
    id: row.id,
    messageId: row.message_id,
    state: HookState[row.state],
    recordCount: row.record_count,
    bodyBytes: row.body_bytes,
    receiveTime: new Date(row.receive_time).toISOString(),
  };
}
