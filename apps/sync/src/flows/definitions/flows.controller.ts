import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  FlowState,
  type Flow as FlowMessage,
  type FlowDefinition,
  type FlowVersion,
} from '@rapport/contracts/rapport/flows/v1/flow';
import {
  FlowsServiceService as Methods,
  type CreateFlowRequest,
  type DeleteFlowRequest,
  type FlowsServiceServer,
  type FreezeFlowRequest,
  type GetFlowRequest,
  type GetFlowVersionRequest,
  type ListFlowsRequest,
  type ListFlowsResponse,
  type ListFlowTemplatesResponse,
  type ListFlowVersionsRequest,
  type ListFlowVersionsResponse,
  type PauseFlowRequest,
  type PublishFlowRequest,
  type ResumeFlowRequest,
  type RetireFlowRequest,
  type UpdateFlowRequest,
  type ValidateFlowRequest,
  type ValidateFlowResponse,
} from '@rapport/contracts/rapport/flows/v1/flows_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, invalidField } from '@rapport/platform';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { isHookSecret } from '../hooks/hook-signature.js';
import { findFlowSecret } from '../secrets/find-secret.js';
import { checkRightsOf } from './checks/needed-rights.js';
import { DefinitionChecks } from './checks/definition-checks.js';
import { readDefinition } from './definition-json.js';
import { flowMessage, versionColumns, versionMessage, type VersionRow } from './flow-message.js';
import { Flow } from './flow.entity.js';
import { changeState, publishFlow } from './publish-flow.js';
import { flowTemplates } from './templates/flow-templates.js';
import { changedFields, createFlow, deleteFlow, findFlow, sentDefinition, updateFlow } from './write-flow.js';

const defaultPageSize = 20;

@Controller()
@ImplementsService(Methods)
export class FlowsController implements ServiceHandlers<FlowsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly key: PageTokenKey,
    private readonly checks: DefinitionChecks,
  ) {}

  async createFlow(request: CreateFlowRequest): Promise<FlowMessage> {
    await this.checks.check(this.em, sentDefinition(request), 'flow.definition');
    return writeCall(this.em, this.envelope, Methods.createFlow, request, (em) => createFlow(em, request));
  }

  async getFlow({ id }: GetFlowRequest): Promise<FlowMessage> {
    return flowMessage(await findFlow(this.em, id));
  }

  async listFlows({ pageSize = defaultPageSize, pageToken, states }: ListFlowsRequest): Promise<ListFlowsResponse> {
    const { tenantId } = currentCaller();
    const names = states.map((state) => FlowState[state] as Flow['state']);
    const binding = `ListFlows ${tenantId} ${names.toSorted().join()}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by creation time.
    const found = await this.em.find(
      Flow,
      { tenantId, ...(names.length > 0 && { state: names }), ...(after !== null && { id: { $lt: after } }) },
      { orderBy: { id: 'desc' }, limit: pageSize + 1 },
    );
    const page = found.slice(0, pageSize);
    const last = found.length > pageSize ? page.at(-1) : undefined;
    return { flows: page.map(flowMessage), nextPageToken: last && signPageToken(this.key, binding, [last.id]) };
  }

  async updateFlow(request: UpdateFlowRequest): Promise<FlowMessage> {
    if (changedFields(request).includes('definition')) {
      await this.checks.check(this.em, sentDefinition(request), 'flow.definition');
    }
    return writeCall(this.em, this.envelope, Methods.updateFlow, request, (em) => updateFlow(em, request));
  }

  async deleteFlow(request: DeleteFlowRequest): Promise<Empty> {
    await this.em.transactional((em) => deleteFlow(em, request));
    return {};
  }

  async validateFlow({ definition }: ValidateFlowRequest): Promise<ValidateFlowResponse> {
    if (!definition) {
      throw invalidArgument([{ field: 'definition', reason: 'REQUIRED', description: 'is required' }]);
    }
    return { faults: await this.checks.faults(this.em, definition) };
  }

  async publishFlow(request: PublishFlowRequest): Promise<FlowMessage> {
    const flow = await findFlow(this.em, request.id);
    const definition = readDefinition(flow.definition);
    checkRightsOf(definition);
    await this.checks.check(this.em, definition, 'definition', { isPublished: true });
    await this.#checkHookSecret(flow.tenantId, definition);
    const { checksum } = flow;
    return writeCall(this.em, this.envelope, Methods.publishFlow, request, (em) => publishFlow(em, request, checksum));
  }

  pauseFlow(request: PauseFlowRequest): Promise<FlowMessage> {
    return writeCall(this.em, this.envelope, Methods.pauseFlow, request, (em) => changeState(em, request, 'PAUSED'));
  }

  freezeFlow(request: FreezeFlowRequest): Promise<FlowMessage> {
    return writeCall(this.em, this.envelope, Methods.freezeFlow, request, (em) => changeState(em, request, 'FROZEN'));
  }

  resumeFlow(request: ResumeFlowRequest): Promise<FlowMessage> {
    return writeCall(this.em, this.envelope, Methods.resumeFlow, request, (em) => changeState(em, request, 'ACTIVE'));
  }

  retireFlow(request: RetireFlowRequest): Promise<FlowMessage> {
    return writeCall(this.em, this.envelope, Methods.retireFlow, request, (em) => changeState(em, request, 'RETIRED'));
  }

  async listFlowVersions(request: ListFlowVersionsRequest): Promise<ListFlowVersionsResponse> {
    const { id, pageSize = defaultPageSize, pageToken } = request;
    const { tenantId } = await findFlow(this.em, id);
    const binding = `ListFlowVersions ${tenantId} ${id}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    const rows = await readForTenant<VersionRow>(this.em, {
      sql: `select ${versionColumns} from flow_version
        where tenant_id = $1 and flow_id = $2 and ($3::int is null or version < $3) order by version desc limit $4`,
      values: [tenantId, id, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      versions: page.map(versionMessage),
      nextPageToken: last && signPageToken(this.key, binding, [String(last.version)]),
    };
  }

  async getFlowVersion({ id, version }: GetFlowVersionRequest): Promise<FlowVersion> {
    const { tenantId } = await findFlow(this.em, id);
    const [row] = await readForTenant<VersionRow>(this.em, {
      sql: `select ${versionColumns} from flow_version where tenant_id = $1 and flow_id = $2 and version = $3`,
      values: [tenantId, id, version],
    });
    if (row) return versionMessage(row);
    throw new AppError('NOT_FOUND', 'FLOW_VERSION_NOT_FOUND', 'The flow has no such version.');
  }

  async listFlowTemplates(): Promise<ListFlowTemplatesResponse> {
    return Promise.resolve({ templates: [...flowTemplates] });
  }

  /** A sender can not sign with a secret of another form: each call would be refused. */
  async #checkHookSecret(tenantId: string, { trigger }: FlowDefinition): Promise<void> {
    const name = trigger?.webhook?.secretName;
    if (name === undefined) return;
    const secret = await findFlowSecret(this.em, this.envelope, tenantId, name);
    if (secret !== undefined && isHookSecret(secret)) return;
    const description = 'must name a secret of the form whsec_ and at least 24 bytes in base64';
    throw invalidField('definition.trigger.webhook.secretName', 'BAD_FORMAT', description);
  }
}
