import { personalFieldsHidden } from './hidden-values.js';
import type { WebhookEvent } from './webhook-event.js';

/**
 * The body of a request, byte-identical for every attempt.
 *
 * @param endpoint determines which values are included
 */
export function eventBody(event: WebhookEvent, endpoint: { payload: string; hidesPersonalData: boolean }): Buffer {
  const { type, time } = event;
  return Buffer.from(JSON.stringify({ type, timestamp: time, data: dataOf(event, endpoint) }));
}

function dataOf(event: WebhookEvent, { payload, hidesPersonalData }: Parameters<typeof eventBody>[1]): object {
  if (event.record_type === null) return event.after ?? {};
  const shown = (values: WebhookEvent['after']) =>
    values && hidesPersonalData ? personalFieldsHidden(event.record_type ?? '', values) : (values ?? undefined);
  return {
    id: event.id,
    recordType: event.record_type,
    recordId: event.record_id,
    version: event.version,
    operation: event.operation,
    changedFields: event.changed_fields,
    ...(payload === 'FULL' && { before: shown(event.before), after: shown(event.after) }),
    actor: event.actor,
    origin: event.origin,
    requestId: event.request_id ?? undefined,
    causationId: event.causation_id ?? undefined,
    hop: event.hop,
  };
}
