import {
  CreateAuditChain,
  CreateAuditRemoval,
  CreateIdempotencyKey,
  CreateRefusal,
  IdempotencyKey,
} from '@rapport/persistence';
import { Connection } from './exchange/connections/connection.entity.js';
import { Mapping } from './exchange/mappings/mapping.entity.js';
import { Flow } from './flows/definitions/flow.entity.js';
import { DeliveryLimit } from './mail/limits/delivery-limit.entity.js';
import { Relay } from './mail/relays/relay.entity.js';
import { Mailbox } from './mail/mailboxes/mailbox.entity.js';
import { BoundWebhooksByRights } from './migrations/bound-webhooks-by-rights.migration.js';
import { CountCausedRuns } from './migrations/count-caused-runs.migration.js';
import { CreateConnections } from './migrations/create-connections.migration.js';
import { CreateDeliveryLimits } from './migrations/create-delivery-limits.migration.js';
import { CreateFlowBackfills } from './migrations/create-flow-backfills.migration.js';
import { CreateFlows } from './migrations/create-flows.migration.js';
import { CreateFlowHooks } from './migrations/create-flow-hooks.migration.js';
import { CreateFlowRuns } from './migrations/create-flow-runs.migration.js';
import { CreateFlowDecisions } from './migrations/create-flow-decisions.migration.js';
import { CreateHooks } from './migrations/create-hooks.migration.js';
import { CreateMailboxes } from './migrations/create-mailboxes.migration.js';
import { CreateJobQueue } from './migrations/create-job-queue.migration.js';
import { CreateRelays } from './migrations/create-relays.migration.js';
import { CreateWebhooks } from './migrations/create-webhooks.migration.js';
import { DeferChanges } from './migrations/defer-changes.migration.js';
import { EnrollCustomers } from './migrations/enroll-customers.migration.js';
import { ExchangeAnyRecords } from './migrations/exchange-any-records.migration.js';
import { FilterMappings } from './migrations/filter-mappings.migration.js';
import { FilterWebhooks } from './migrations/filter-webhooks.migration.js';
import { FindEqualRecords } from './migrations/find-equal-records.migration.js';
import { KeepRunRecords } from './migrations/keep-run-records.migration.js';
import { NotifyApprovers } from './migrations/notify-approvers.migration.js';
import { PairRecords } from './migrations/pair-records.migration.js';
import { ReceiveMailByApi } from './migrations/receive-mail-by-api.migration.js';
import { RampUpRelays } from './migrations/ramp-up-relays.migration.js';
import { SealWebhookEvents } from './migrations/seal-webhook-events.migration.js';
import { ShareWebhookTurns } from './migrations/share-webhook-turns.migration.js';
import { TraceEvents } from './migrations/trace-events.migration.js';
import { WebhookEndpoint } from './webhooks/endpoints/webhook-endpoint.entity.js';

/** Entities of the ORM. Tables with many rows are read and written by SQL only. */
export const entities = [WebhookEndpoint, Connection, Mapping, IdempotencyKey, Flow, Relay, Mailbox, DeliveryLimit];

/** Migrations, oldest first. */
export const migrations = [
  CreateIdempotencyKey,
  CreateAuditChain,
  CreateWebhooks,
  SealWebhookEvents,
  TraceEvents,
  CreateConnections,
  CreateJobQueue,
  CreateHooks,
  ShareWebhookTurns,
  DeferChanges,
  KeepRunRecords,
  PairRecords,
  FilterMappings,
  CreateRefusal,
  FindEqualRecords,
  BoundWebhooksByRights,
  FilterWebhooks,
  ExchangeAnyRecords,
  CreateAuditRemoval,
  CreateFlows,
  CreateFlowRuns,
  CreateFlowDecisions,
  CreateRelays,
  CreateMailboxes,
  CreateDeliveryLimits,
  EnrollCustomers,
  NotifyApprovers,
  CountCausedRuns,
  CreateFlowHooks,
  RampUpRelays,
  CreateFlowBackfills,
  ReceiveMailByApi,
];
