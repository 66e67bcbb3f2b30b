import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import type { WebhookDelivery } from '@rapport/contracts/rapport/sync/v1/webhook_delivery';
import {
  WebhookEndpointsServiceService as Methods,
  WebhookEndpointState,
  type CreateWebhookEndpointRequest,
  type DeleteWebhookEndpointRequest,
  type GetWebhookEndpointRequest,
  type ListWebhookEndpointsResponse,
  type ReplayWebhookEventsRequest,
  type ReplayWebhookEventsResponse,
  type RotateWebhookEndpointSecretRequest,
  type TestWebhookEndpointRequest,
  type UpdateWebhookEndpointRequest,
  type WebhookEndpoint as WebhookEndpointMessage,
  type WebhookEndpointsServiceServer,
} from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { currentCaller } from '@rapport/platform';
import { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { Dispatcher } from '../deliveries/dispatcher.js';
import { RecordFilters } from '../events/record-filters.js';
import { replayEvents } from '../events/replay-events.js';
import { endpointMessage } from './endpoint-message.js';
import { sendTest } from './send-test.js';
import { WebhookEndpoint } from './webhook-endpoint.entity.js';
import { createEndpoint, deleteEndpoint, foundEndpoint, rotateSecret, updateEndpoint } from './write-endpoint.js';

@Controller()
@ImplementsService(Methods)
export class WebhookEndpointsController implements ServiceHandlers<WebhookEndpointsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly http: OutgoingHttp,
    private readonly envelope: SecretEnvelope,
    private readonly dispatcher: Dispatcher,
    private readonly filters: RecordFilters,
  ) {}

  createWebhookEndpoint(request: CreateWebhookEndpointRequest): Promise<WebhookEndpointMessage> {
    return writeCall(this.em, this.envelope, Methods.createWebhookEndpoint, request, (em) =>
      createEndpoint(em, { http: this.http, envelope: this.envelope, filters: this.filters }, request),
    );
  }

  async getWebhookEndpoint({ id }: GetWebhookEndpointRequest): Promise<WebhookEndpointMessage> {
    const { tenantId } = currentCaller();
    return endpointMessage(foundEndpoint(await this.em.findOne(WebhookEndpoint, { tenantId, id })));
  }

  async listWebhookEndpoints(): Promise<ListWebhookEndpointsResponse> {
    const { tenantId } = currentCaller();
    // UUIDv7 ids sort by creation time.
    const endpoints = await this.em.find(WebhookEndpoint, { tenantId }, { orderBy: { id: 'desc' } });
    return { webhookEndpoints: endpoints.map((endpoint) => endpointMessage(endpoint)) };
  }

  async updateWebhookEndpoint(request: UpdateWebhookEndpointRequest): Promise<WebhookEndpointMessage> {
    const endpoint = await writeCall(this.em, this.envelope, Methods.updateWebhookEndpoint, request, (em) =>
      updateEndpoint(em, { http: this.http, filters: this.filters }, request),
    );
    if (endpoint.state === WebhookEndpointState.DISABLED) this.dispatcher.stop(endpoint.id);
    this.dispatcher.wake();
    return endpoint;
  }

  async deleteWebhookEndpoint(request: DeleteWebhookEndpointRequest): Promise<Empty> {
    await this.em.transactional((em) => deleteEndpoint(em, request));
    this.dispatcher.stop(request.id);
    return {};
  }

  rotateWebhookEndpointSecret(request: RotateWebhookEndpointSecretRequest): Promise<WebhookEndpointMessage> {
    return writeCall(this.em, this.envelope, Methods.rotateWebhookEndpointSecret, request, (em) =>
      rotateSecret(em, this.envelope, request),
    );
  }

  async testWebhookEndpoint(request: TestWebhookEndpointRequest): Promise<WebhookDelivery> {
    const delivery = await writeCall(this.em, this.envelope, Methods.testWebhookEndpoint, request, (em) =>
      sendTest(em, this.envelope, request),
    );
    this.dispatcher.wake();
    return delivery;
  }

  async replayWebhookEvents(request: ReplayWebhookEventsRequest): Promise<ReplayWebhookEventsResponse> {
    const answer = await writeCall(this.em, this.envelope, Methods.replayWebhookEvents, request, (em) =>
      replayEvents(em, this.filters, request),
    );
    this.dispatcher.wake();
    return answer;
  }
}
