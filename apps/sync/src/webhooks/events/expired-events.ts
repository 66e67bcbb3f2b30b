import type { EntityManager } from '@mikro-orm/postgresql';
import { batchSize, deleteAll } from '../../storage/delete-expired.js';

/**
 * Deletes a tenant's deliveries and events after their retention period. Pending deliveries of enabled endpoints stay,
 * with their events.
 */
export async function clearExpired(em: EntityManager, tenantId: string, retentionDays: number): Promise<void> {
  await deleteAll(em, tenantId, deleteDeliveries, retentionDays);
  await deleteAll(em, tenantId, deleteEvents, retentionDays);
}

/** The same for changes in quarantine that no operator has handled in that period. */
export async function clearExpiredQuarantine(
  em: EntityManager,
  tenantId: string,
  retentionDays: number,
): Promise<void> {
  await deleteAll(em, tenantId, deleteQuarantined, retentionDays);
}

const deleteQuarantined = `
  delete from deferred_change where number = any (array(
    select number from deferred_change
    where tenant_id = $1 and quarantine_time < now() - make_interval(days => $2)
    limit ${batchSize} for update skip locked))`;

const deleteDeliveries = `
  delete from webhook_delivery where ctid = any (array(
    select delivery.ctid from webhook_delivery delivery
    join webhook_endpoint endpoint on endpoint.tenant_id = $1 and endpoint.id = delivery.endpoint_id
    where delivery.tenant_id = $1 and delivery.create_time < now() - make_interval(days => $2)
      and (delivery.state <> 'PENDING' or endpoint.state = 'DISABLED')
    limit ${batchSize} for update of delivery skip locked))`;

// Numbers grow, and the events of a delivery are in order: no pending delivery has an event before the smallest first one.
const deleteEvents = `
  delete from webhook_event where ctid = any (array(
    select ctid from webhook_event
    where tenant_id = $1 and create_time < now() - make_interval(days => $2)
      and number < coalesce(
        (select min(events[1]) from webhook_delivery where tenant_id = $1 and state = 'PENDING'), ${2n ** 63n - 1n})
    limit ${batchSize} for update skip locked))`;
