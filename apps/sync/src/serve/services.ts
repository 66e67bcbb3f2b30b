import type { ServiceDefinition } from '@grpc/grpc-js';
import { ApprovalsServiceService } from '@rapport/contracts/rapport/flows/v1/approvals_service';
import { FlowBackfillsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_backfills_service';
import { FlowArchivesServiceService } from '@rapport/contracts/rapport/flows/v1/flow_archives_service';
import { FlowDecisionsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_decisions_service';
import { FlowEnrollmentsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_enrollments_service';
import { FlowHooksServiceService } from '@rapport/contracts/rapport/flows/v1/flow_hooks_service';
import { FlowSecretsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_secrets_service';
import { FlowsServiceService } from '@rapport/contracts/rapport/flows/v1/flows_service';
import { FlowDocumentsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_documents_service';
import { FlowTrialsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_trials_service';
import { FlowRunsServiceService } from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import { DeliveryLimitsServiceService } from '@rapport/contracts/rapport/mail/v1/delivery_limits_service';
import { RelaysServiceService } from '@rapport/contracts/rapport/mail/v1/relays_service';
import { MailboxesServiceService } from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { ConnectionsServiceService } from '@rapport/contracts/rapport/sync/v1/connections_service';
import { HooksServiceService } from '@rapport/contracts/rapport/sync/v1/hooks_service';
import { MappingsServiceService } from '@rapport/contracts/rapport/sync/v1/mappings_service';
import { SyncConflictsServiceService } from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { SyncRunsServiceService } from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { WebhookDeliveriesServiceService } from '@rapport/contracts/rapport/sync/v1/webhook_deliveries_service';
import { WebhookEndpointsServiceService } from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
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
import { WebhookDeliveriesController } from '../webhooks/deliveries/webhook-deliveries.controller.js';
import { WebhookEndpointsController } from '../webhooks/endpoints/webhook-endpoints.controller.js';
import { SyncConflictsController } from './conflicts/sync-conflicts.controller.js';
import { ConnectionsController } from './connections/connections.controller.js';
import { HooksController } from './hooks/hooks.controller.js';
import { MappingsController } from './mappings/mappings.controller.js';
import { SyncRunsController } from './runs/sync-runs.controller.js';

/** The gRPC services of this process, and their controllers. */
export const services: readonly ServiceDefinition[] = [
  WebhookEndpointsServiceService,
  WebhookDeliveriesServiceService,
  ConnectionsServiceService,
  MappingsServiceService,
  SyncRunsServiceService,
  SyncConflictsServiceService,
  HooksServiceService,
  FlowDecisionsServiceService,
  FlowArchivesServiceService,
  FlowDocumentsServiceService,
  FlowTrialsServiceService,
  ApprovalsServiceService,
  FlowsServiceService,
  FlowSecretsServiceService,
  FlowRunsServiceService,
  FlowEnrollmentsServiceService,
  FlowBackfillsServiceService,
  FlowHooksServiceService,
  RelaysServiceService,
  MailboxesServiceService,
  DeliveryLimitsServiceService,
];
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
