import { allTenants } from '@rapport/contracts';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { forgetErasedHooks } from '../exchange/hooks/forget-erased-hooks.js';
import { noteChanges } from '../exchange/links/note-changes.js';
import { eraseRuns } from '../flows/runs/erase-runs.js';
import { takeForFlows, type FlowParts } from '../flows/triggers/take-flows.js';
import type { JobQueue } from '../storage/job-queue.js';
import type { SecretEnvelope } from '../storage/secret-envelope.js';
import { erasureOrigin, recordEvents } from '../webhooks/events/record-events.js';
import type { RecordFilters } from '../webhooks/events/record-filters.js';
import { eventOfChange, type WebhookEvent } from '../webhooks/events/webhook-event.js';
import { forgetQuarantined } from './deferred-changes.js';

/** What a tenant has that depends on changes. */
export interface Interest {
  tenantId: string;
  hasEndpoints: boolean;
  /** Enabled mappings. */
  mappingIds: string[];
  /** Whether the tenant has published flows, which changes can start, and whose runs wait for changes. */
  hasFlows: boolean;
  /** Whether the tenant has deferred changes, which further ones must queue behind. */
  isWaiting: boolean;
}

export interface TakingParts {
  envelope: SecretEnvelope;
  jobs: JobQueue;
  filters: RecordFilters;
  flows: FlowParts;
}

/** What changes of a tenant have made due. */
export interface Taken {
  deliveries: number;
  /** Runs of flows that were started or woken. */
  runs: number;
}

/** The tenants that depend on these changes. @param tenantIds of the changes, `allTenants` for all */
export async function interestsIn(client: ClientBase, tenantIds: readonly string[]): Promise<Interest[]> {
  if (tenantIds.length === 0) return [];
  const { rows } = await client.query<Interest>({
    name: 'interests_in_changes',
    text: `with wanted as (
        select tenant_id from webhook_tenant where $2 or tenant_id = any ($1::uuid[])
        union select tenant_id from connection_tenant where $2 or tenant_id = any ($1::uuid[])
        union select tenant_id from flow_tenant where $2 or tenant_id = any ($1::uuid[]))
      select tenant_id as "tenantId",
        exists (select from webhook_tenant known where known.tenant_id = wanted.tenant_id) as "hasEndpoints",
        array(select mapping_id::text from mapping_schedule schedule where schedule.tenant_id = wanted.tenant_id
          order by mapping_id) as "mappingIds",
        exists (select from flow_tenant known where known.tenant_id = wanted.tenant_id) as "hasFlows",
        exists (select from deferred_change deferred
          where deferred.tenant_id = wanted.tenant_id and deferred.quarantine_time is null) as "isWaiting"
      from wanted order by tenant_id`,
    values: [tenantIds, tenantIds.includes(allTenants)],
  });
  return rows;
}

/**
 * Creates events, deliveries, hints and runs of flows for the changes of one tenant. Runs in a transaction, and sets its tenant.
 *
 * @param maxDeliveries limit of deliveries, which a single change may exceed
 * @throws TooManyDeliveriesError or FiltersUnansweredError
 */
export async function takeOfTenant(
  client: ClientBase,
  parts: TakingParts,
  { tenantId, hasEndpoints, mappingIds, hasFlows }: Interest,
  changes: readonly Change[],
  maxDeliveries: number,
): Promise<Taken> {
  const events = changes.map((change) => eventOf(change));
  const deliveries = hasEndpoints ? await recordEvents(client, parts, tenantId, events, maxDeliveries) : 0;
  await noteChanges(client, parts.jobs, tenantId, mappingIds, changes);
  const runs = hasFlows ? await takeForFlows(client, parts.flows, tenantId, changes) : 0;
  const erased = changes.filter(({ origin }) => origin === erasureOrigin);
  if (erased.length > 0) {
    const recordIds = erased.map(({ recordId }) => recordId);
    await forgetErasedHooks(client, tenantId, erased);
    if (hasFlows) await eraseRuns(client, parts.flows, tenantId, recordIds);
    await pipeline(client, [forgetQuarantined(tenantId, recordIds)]);
  }
  return { deliveries, runs };
}

/** The event of a change. A gap of all tenants is one event per tenant. */
function eventOf(change: Change): WebhookEvent {
  return change.tenantId === allTenants ? { ...eventOfChange(change), id: uuidv7() } : eventOfChange(change);
}
