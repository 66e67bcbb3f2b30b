import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  FlowSecretsServiceService,
  type DeleteFlowSecretRequest,
  type FlowSecret,
  type FlowSecretsServiceServer,
  type ListFlowSecretsResponse,
  type SetFlowSecretRequest,
} from '@rapport/contracts/rapport/flows/v1/flow_secrets_service';
import { queryRows, readForTenant, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { rowOwner } from '../../storage/sealed-row.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';

const maxSecrets = 100;

interface SecretRow {
  name: string;
  update_time: Date | string;
  updated_by: string;
}

@Controller()
@ImplementsService(FlowSecretsServiceService)
export class FlowSecretsController implements ServiceHandlers<FlowSecretsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
  ) {}

  async listFlowSecrets(): Promise<ListFlowSecretsResponse> {
    const rows = await readForTenant<SecretRow>(this.em, {
      sql: `select name, update_time, updated_by from flow_secret where tenant_id = $1 order by name limit ${maxSecrets}`,
      values: [currentCaller().tenantId],
    });
    return { flowSecrets: rows.map(secretMessage) };
  }

  async setFlowSecret({ name, secret }: SetFlowSecretRequest): Promise<FlowSecret> {
    if (!secret) throw invalidArgument([{ field: 'secret', reason: 'REQUIRED', description: 'is required' }]);
    const { tenantId, principalId } = currentCaller();
    const sealed = this.envelope.seal(Buffer.from(secret.value), rowOwner('flow_secret', tenantId, name));
    return this.em.transactional(async (em) => {
      await checkRoom(em, tenantId, name);
      const row = { name, update_time: new Date(), updated_by: principalId };
      await queryRows(em, {
        sql: `insert into flow_secret (tenant_id, name, sealed_value, update_time, updated_by)
          values ($1, $2, $3, $4, $5) on conflict (tenant_id, name) do update
          set sealed_value = excluded.sealed_value, update_time = excluded.update_time, updated_by = excluded.updated_by`,
        values: [tenantId, name, sealed, row.update_time, principalId],
      });
      await recordAuditEvent(em, { kind: 'FLOW_SECRET_SET', detail: { name } });
      return secretMessage(row);
    });
  }

  async deleteFlowSecret({ name }: DeleteFlowSecretRequest): Promise<Empty> {
    await this.em.transactional(async (em) => {
      const deleted = await queryRows(em, {
        sql: 'delete from flow_secret where tenant_id = $1 and name = $2 returning name',
        values: [currentCaller().tenantId, name],
      });
      if (deleted.length === 0) throw new AppError('NOT_FOUND', 'FLOW_SECRET_NOT_FOUND', 'There is no such secret.');
      await recordAuditEvent(em, { kind: 'FLOW_SECRET_DELETED', detail: { name } });
    });
    return {};
  }
}

function secretMessage({ name, update_time: time, updated_by: updatedBy }: SecretRow): FlowSecret {
  return { name, updateTime: new Date(time).toISOString(), updatedBy };
}

/** Serializes new secrets of a tenant, so that the count includes concurrent ones. */
async function checkRoom(em: EntityManager, tenantId: string, name: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`flow_secret ${tenantId}`]);
  const [{ others } = { others: 0 }] = await queryRows<{ others: number }>(em, {
    sql: 'select count(*)::int as others from flow_secret where tenant_id = $1 and name <> $2',
    values: [tenantId, name],
  });
  if (others < maxSecrets) return;
  throw new AppError('RESOURCE_EXHAUSTED', 'FLOW_SECRET_LIMIT', `A workspace has at most ${maxSecrets} secrets.`);
}
