import type { Statement } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import { orderingKeyOf, type WebhookEvent } from '../events/webhook-event.js';

/** A delivery to insert. */
export interface NewDelivery {
  id: string;
  endpoint_id: string;
  event_id: string;
  event_type: string;
  lane: string;
  /** Numbers of its events. */
  events: string[];
  /** Size of their sealed values. */
  event_bytes: number;
  /** Time during which it gathers further events. */
  delay_seconds: number;
}

/** Number of an event, and the size of its sealed values. */
export interface StoredEvent {
  number: string;
  bytes: number;
}

export function newDelivery(
  event: Pick<WebhookEvent, 'id' | 'type' | 'record_type' | 'record_id'>,
  { number, bytes }: StoredEvent,
  endpointId: string,
  delaySeconds = 0,
): NewDelivery {
  return {
    ...{ id: uuidv7(), endpoint_id: endpointId, event_id: event.id, event_type: event.type },
    ...{ lane: orderingKeyOf(event), events: [number], event_bytes: bytes, delay_seconds: delaySeconds },
  };
}

/** Deliveries of one endpoint with an ordering key, which are sent one after the other. */
export interface OrderingKey {
  endpoint_id: string;
  lane: string;
}

export function insertDeliveries(tenantId: string, deliveries: readonly NewDelivery[], isReplay: boolean): Statement {
  return {
    name: 'insert_webhook_deliveries',
    sql: `insert into webhook_delivery (tenant_id, id, endpoint_id, event_id, event_type, lane, events, event_bytes, state,
        due_time, is_replay)
      select $1::uuid, id, endpoint_id, event_id, event_type, lane, events, event_bytes, 'PENDING',
        clock_timestamp() + make_interval(secs => delay_seconds), $3::boolean
      from rows from (jsonb_to_recordset($2::jsonb) as (id uuid, endpoint_id uuid, event_id uuid, event_type text,
        lane text, events bigint[], event_bytes bigint, delay_seconds int)) with ordinality as delivery (id, endpoint_id,
        event_id, event_type, lane, events, event_bytes, delay_seconds, place)
      order by place`,
    values: [tenantId, JSON.stringify(deliveries), isReplay],
  };
}

/**
 * Gives the first pending delivery of each ordering key a job, unless it has one: all deliveries behind it wait. Runs
 * while the endpoints are locked.
 */
export function readyOrderingKeys(tenantId: string, keys: readonly OrderingKey[]): Statement {
  return {
    name: 'ready_webhook_ordering_keys',
    sql: `insert into webhook_job (delivery_id, tenant_id, endpoint_id, due_time)
      select head.id, $1::uuid, key.endpoint_id, greatest(head.due_time, endpoint.hold_time)
      from (select distinct endpoint_id, lane from jsonb_to_recordset($2::jsonb) as keys (endpoint_id uuid, lane text)) key
      join webhook_endpoint endpoint
        on endpoint.tenant_id = $1 and endpoint.id = key.endpoint_id and endpoint.state = 'ENABLED'
      cross join lateral (
        select id, due_time from webhook_delivery delivery
        where delivery.tenant_id = $1 and delivery.endpoint_id = key.endpoint_id and delivery.lane = key.lane
          and delivery.state = 'PENDING'
        order by number limit 1) head
      on conflict (delivery_id) do nothing`,
    values: [tenantId, JSON.stringify(keys.map(({ endpoint_id, lane }) => ({ endpoint_id, lane })))],
  };
}

/** The same for every ordering key of an endpoint. */
export function readyEndpoint(tenantId: string, endpointId: string): Statement {
  return {
    name: 'ready_webhook_endpoint',
    sql: `insert into webhook_job (delivery_id, tenant_id, endpoint_id, due_time)
      select distinct on (delivery.lane) delivery.id, $1::uuid, $2::uuid, greatest(delivery.due_time, endpoint.hold_time)
      from webhook_delivery delivery
      join webhook_endpoint endpoint
        on endpoint.tenant_id = $1 and endpoint.id = delivery.endpoint_id and endpoint.state = 'ENABLED'
      where delivery.tenant_id = $1 and delivery.endpoint_id = $2 and delivery.state = 'PENDING'
      order by delivery.lane, delivery.number
      on conflict (delivery_id) do nothing`,
    values: [tenantId, endpointId],
  };
}

/** Deletes an endpoint's jobs: it receives nothing until `readyEndpoint`. */
export function dropJobs(endpointId: string): Statement[] {
  return [
    { name: 'drop_webhook_jobs', sql: 'delete from webhook_job where endpoint_id = $1', values: [endpointId] },
    endHold(endpointId),
  ];
}

/** Ends the hold of an endpoint. */
export function endHold(endpointId: string): Statement {
  return { name: 'end_webhook_hold', sql: 'delete from webhook_hold where endpoint_id = $1', values: [endpointId] };
}

/** All endpoints of the tenant, in the order in which `recordEvents` locks them. */
export function lockAllEndpoints(tenantId: string): Statement {
  return {
    name: 'lock_all_webhook_endpoints',
    sql: 'select 1 from webhook_endpoint where tenant_id = $1 order by id for no key update',
    values: [tenantId],
  };
}

export function lockEndpoint(tenantId: string, endpointId: string): Statement {
  return {
    name: 'lock_webhook_endpoint',
    sql: 'select state from webhook_endpoint where tenant_id = $1 and id = $2 for no key update',
    values: [tenantId, endpointId],
  };
}
