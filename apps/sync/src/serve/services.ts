import { servicesOf } from '@rapport/contracts';
import { ApprovalsController } from '../flows/approvals/approvals.controller.js';
import { FlowBackfillsController } from '../flows/backfills/flow-backfills.controller.js';
import { FlowEnrollmentsController } from '../flows/enrollments/flow-enrollments.controller.js';
import { FlowArchivesController } from '../flows/definitions/archive/flow-archives.controller.js';
import { FlowDocumentsController } from '../flows/definitions/dsl/flow-documents.controller.js';
import { FlowHooksController } from '../flows/hooks/flow-hooks.controller.js';
import { FlowTrialsController } from '../flows/trials/flow-trials.controller.js';
import { FlowDecisionsController } from '../flows/triggers/flow-decisions.controller.js';
import { FlowsController } from '../flows/definitions/flows.controller.js';
import { FlowRunsController } from '../flows/serve-runs/flow-runs.controller.js';
import { FlowSecretsController } from '../flows/secrets/flow-secrets.controller.js';
import { DeliveryLimitsController } from '../mail/limits/delivery-limits.controller.js';
import { RelaysController } from '../mail/relays/relays.controller.js';
import { MailboxesController } from '../mail/mailboxes/mailboxes.controller.js';
import { WebhookEndpointsController } from '../webhooks/endpoints/webhook-endpoints.controller.js';
import { SyncConflictsController } from './conflicts/sync-conflicts.controller.js';
import { ConnectionsController } from './connections/connections.controller.js';
import { WebhookDeliveriesController } from './deliveries/webhook-deliveries.controller.js';
import { HooksController } from './hooks/hooks.controller.js';
import { MappingsController } from './mappings/mappings.controller.js';
import { SyncRunsController } from './runs/sync-runs.controller.js';

export const controllers = [
  WebhookEndpointsController,
  WebhookDeliveriesController,
  ConnectionsController,
  MappingsController,
  SyncRunsController,
  SyncConflictsController,
  HooksController,
  FlowDecisionsController,
  FlowTrialsController,
  ApprovalsController,
  FlowsController,
  FlowSecretsController,
  FlowRunsController,
  FlowEnrollmentsController,
  FlowBackfillsController,
  FlowArchivesController,
  FlowDocumentsController,
  FlowHooksController,
  RelaysController,
  MailboxesController,
  DeliveryLimitsController,
];

/** The gRPC services of this process. */
export const services = servicesOf(controllers);
