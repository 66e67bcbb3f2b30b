import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, readMask, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  MappingsServiceService as Methods,
  MappingState,
  type CreateMappingRequest,
  type DeleteMappingRequest,
  type GetMappingRequest,
  type ListMappingsRequest,
  type ListMappingsResponse,
  type Mapping as MappingMessage,
  type MappingNote,
  type MappingsServiceServer,
  type UpdateMappingRequest,
} from '@rapport/contracts/rapport/sync/v1/mappings_service';
import { currentCaller } from '@rapport/platform';
import type { PeerDescription } from '../../connectors/description.js';
import { checkRights } from '../../exchange/connections/check-rights.js';
import type { Connection } from '../../exchange/connections/connection.entity.js';
import { findConnection } from '../../exchange/connections/find-connection.js';
import { peerFailure, Peers } from '../../exchange/connections/open-connection.js';
import { CustomFieldTypes } from '../../exchange/customers/custom-field-types.js';
import { CustomerFilters } from '../../exchange/customers/customer-filter.js';
import { TenantUsers } from '../../exchange/customers/tenant-users.js';
import { JsonataEvaluator } from '../../exchange/mappings/jsonata-evaluator.js';
import { Mapping } from '../../exchange/mappings/mapping.entity.js';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';
import { MappingTicker } from '../../exchange/runs/mapping-ticker.js';
import { endWrites } from '../../exchange/writes/end-writes.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { checkMapping, checkObject } from './checks/check-mapping.js';
import { mappingContent, mappingNotes, type MappingContent } from './mapping-content.js';
import { mappingMessage } from './mapping-message.js';
import { typesOfMappings } from './referenced-mappings.js';
import {
  createMapping,
  deleteMapping,
  findMapping,
  isBackfilled,
  sentMapping,
  updatableMapping,
  updateMapping,
} from './write-mapping.js';

/** Timeout of a peer's description, in milliseconds. */
const describeTimeoutMs = 20_000;

@Controller()
@ImplementsService(Methods)
export class MappingsController implements ServiceHandlers<MappingsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly peers: Peers,
    private readonly evaluator: JsonataEvaluator,
    private readonly customFields: CustomFieldTypes,
    private readonly users: TenantUsers,
    private readonly filters: CustomerFilters,
    private readonly ticker: MappingTicker,
  ) {}

  async createMapping(request: CreateMappingRequest): Promise<MappingMessage> {
    const wanted = sentMapping(request);
    // Outside of the transaction, because the peer may be slow.
    const content = mappingContent(wanted);
    checkRights(checkObject(content));
    await this.#checkFilter(wanted.connectionId, content);
    const notes = await this.#check(wanted.connectionId, content);
    const created = await writeCall(this.em, this.envelope, Methods.createMapping, request, async (em) => ({
      ...(await createMapping(em, this.envelope, request, content)),
      notes,
    }));
    this.ticker.wake();
    return created;
  }

  async getMapping({ id }: GetMappingRequest): Promise<MappingMessage> {
    const mapping = await findMapping(this.em, id);
    return mappingMessage(mapping, await isBackfilled(this.em, mapping));
  }

  async listMappings({ connectionId }: ListMappingsRequest): Promise<ListMappingsResponse> {
    const { tenantId } = currentCaller();
    const where = { tenantId, ...(connectionId !== undefined && { connectionId }) };
    const mappings = await this.em.find(Mapping, where, { orderBy: { id: 'desc' } });
    const messages = mappings.map(async (mapping) => mappingMessage(mapping, await isBackfilled(this.em, mapping)));
    return { mappings: await Promise.all(messages) };
  }

  async updateMapping(request: UpdateMappingRequest): Promise<MappingMessage> {
    const changes = sentMapping(request);
    const mask = readMask(request.updateMask, updatableMapping);
    const mapping = await findMapping(this.em, request.id);
    checkRights(exchangedType(mapping.object));
    const named = Object.fromEntries(mask.map((field) => [field, changes[field]]));
    const content = mappingContent({ ...mappingMessage(mapping, false), ...named });
    if (mask.includes('filter')) await this.#checkFilter(mapping.connectionId, content);
    // Pausing a mapping must work while the peer is down.
    const isChecked = mask.some((field) =>
      ['fields', 'direction', 'policy', 'timeField', 'matchFields', 'defaults'].includes(field),
    );
    const notes = isChecked ? await this.#check(mapping.connectionId, content) : [];
    // The content was merged with the version that was read here.
    const etag = request.etag ?? mappingMessage(mapping, false).etag;
    const updated = await writeCall(this.em, this.envelope, Methods.updateMapping, request, async (em) => ({
      ...(await updateMapping(em, { ...request, etag }, content)),
      notes,
    }));
    if (updated.state === MappingState.PAUSED) await endWrites(this.em, { mappingId: request.id });
    this.ticker.wake();
    return updated;
  }

  async deleteMapping(request: DeleteMappingRequest): Promise<Empty> {
    const attempt = (etag?: string) =>
      this.em.transactional((em) => deleteMapping(em, this.envelope, { ...request, etag }));
    for (let stopped = await attempt(request.etag); stopped; stopped = await attempt(stopped.etag)) {
      await endWrites(this.em, { mappingId: request.id });
    }
    return {};
  }

  /** Customers validates the filter. */
  async #checkFilter(connectionId: string, { object, filter }: MappingContent): Promise<void> {
    if (typeof filter !== 'string') return;
    const { principalId } = await findConnection(this.em, connectionId);
    await this.filters.check(object, filter, currentCaller().tenantId, principalId);
  }

  /** @returns notes about what the connection cannot do */
  async #check(connectionId: string, content: MappingContent): Promise<MappingNote[]> {
    const { tenantId } = currentCaller();
    const connection = await findConnection(this.em, connectionId);
    const { principalId } = connection;
    const customFields = await this.customFields.of(content.object, tenantId, principalId);
    const users = await this.users.ofMapping(content.fields, tenantId, principalId);
    const description = await this.#describe(connection);
    const ofRecords = { type: exchangedType(content.object), customFields, users };
    const against = { ...ofRecords, description, mappings: await typesOfMappings(this.em) };
    await checkMapping(content, against, this.evaluator.of(tenantId));
    return mappingNotes(content, description);
  }

  async #describe(connection: Connection): Promise<PeerDescription> {
    try {
      return await this.peers.open(connection).describe(AbortSignal.timeout(describeTimeoutMs));
    } catch (error) {
      throw peerFailure(connection.connector, error);
    }
  }
}
