import type { ServiceDefinition } from '@grpc/grpc-js';
import { WebhookDeliveriesServiceService } from '@rapport/contracts/rapport/sync/v1/webhook_deliveries_service';
import { WebhookEndpointsServiceService } from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { WebhookDeliveriesController } from './webhooks/webhook-deliveries.controller.js';
import { WebhookEndpointsController } from './webhooks/webhook-endpoints.controller.js';

/** The services that this process answers, and the controllers that do. */
export const services: readonly ServiceDefinition[] = [WebhookEndpointsServiceService, WebhookDeliveriesServiceService];
export const controllers = [WebhookEndpointsController, WebhookDeliveriesController];
