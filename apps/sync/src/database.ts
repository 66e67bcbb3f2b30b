import { CreateAuditChain, CreateIdempotencyKey, IdempotencyKey } from '@rapport/persistence';
import { CreateWebhooks } from './migrations/create-webhooks.migration.js';
import { SealWebhookEvents } from './migrations/seal-webhook-events.migration.js';
import { TraceEvents } from './migrations/trace-events.migration.js';
import { WebhookEndpoint } from './webhooks/webhook-endpoint.entity.js';

/** What the ORM knows of sync's database. Events, deliveries and jobs are read and written by SQL only. */
export const entities = [WebhookEndpoint, IdempotencyKey];

/** How it came to be, oldest first. */
export const migrations = [CreateIdempotencyKey, CreateAuditChain, CreateWebhooks, SealWebhookEvents, TraceEvents];
