import { camelCase } from '@rapport/contracts';
import { WebhookDeliveryState, type WebhookDelivery } from '@rapport/contracts/rapport/sync/v1/webhook_delivery';

/** A row of webhook_delivery as pg returns it. */
export interface DeliveryRow {
  id: string;
  endpoint_id: string;
  event_id: string;
  event_type: string;
  lane: string;
  state: 'PENDING' | 'DELIVERED' | 'FAILED';
  attempt_count: number;
  /** The endpoint is on hold until then. */
  due_time: string | Date;
  is_replay: boolean;
  create_time: string | Date;
  end_time: string | Date | null;
}

/** For `select … from webhook_delivery`: the columns of a DeliveryRow. */
export const deliveryColumns = `id, endpoint_id, event_id, event_type, lane, state, attempt_count, is_replay, create_time, end_time,
  greatest(due_time, (
    select hold_time from webhook_endpoint endpoint
    where endpoint.tenant_id = webhook_delivery.tenant_id and endpoint.id = webhook_delivery.endpoint_id)) as due_time`;

/** Type and id of the record of a delivery, in the names of RecordAccess. Null for an event that refers to no record. */
export function recordOfDelivery({ lane }: DeliveryRow): { record_type: string | null; record_id: string | null } {
  const [type = '', id = ''] = lane.split('/');
  return type === 'event' ? { record_type: null, record_id: null } : { record_type: camelCase(type), record_id: id };
}

/** @param showsRecord whether the caller can read the record */
export function deliveryMessage(row: DeliveryRow, showsRecord: boolean): WebhookDelivery {
  const iso = (time: string | Date) => new Date(time).toISOString();
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    eventId: row.event_id,
    eventType: row.event_type,
    record: showsRecord && recordOfDelivery(row).record_id !== null ? row.lane : undefined,
    state: WebhookDeliveryState[row.state],
    attemptCount: row.attempt_count,
    nextAttemptTime: row.state === 'PENDING' ? iso(row.due_time) : undefined,
    isReplay: row.is_replay,
    createTime: iso(row.create_time),
    endTime: row.end_time ? iso(row.end_time) : undefined,
  };
}
