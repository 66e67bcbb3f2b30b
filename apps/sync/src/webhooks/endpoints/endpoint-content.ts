import {
  WebhookEndpointState,
  WebhookPayload,
  type WebhookEndpoint as WebhookEndpointMessage,
} from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { RecordTypeFilter } from '../events/record-filters.js';
import { canChange, eventTypes, whyNoEventType } from './event-types.js';
import type { WebhookEndpoint } from './webhook-endpoint.entity.js';

/** The content of an endpoint in requests. */
export type EndpointContent = Pick<
  WebhookEndpoint,
  'url' | 'eventTypes' | 'fields' | 'filters' | 'payload' | 'coalescingSeconds' | 'state' | 'description'
>;

/**
 * The requested content of an endpoint, validated except for its filters, which customers validates.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field
 */
export function endpointContent(wanted: WebhookEndpointMessage, http: OutgoingHttp): EndpointContent {
  const violations = [
    ...urlViolations(wanted.url, http),
    ...wanted.eventTypes.flatMap((type, index) => (eventTypes.has(type) ? [] : [unknownType(type, index)])),
    ...repeatedTypes(wanted.filters),
  ];
  if (violations.length > 0) throw invalidArgument(violations);
  return {
    url: new URL(wanted.url).href,
    eventTypes: [...new Set(wanted.eventTypes)],
    fields: [...new Set(wanted.fields)],
    filters: wanted.filters.map(({ recordType, filter }) => ({ recordType, filter })),
    payload: wanted.payload === WebhookPayload.FULL ? 'FULL' : 'THIN',
    coalescingSeconds: wanted.coalescingSeconds,
    state: wanted.state === WebhookEndpointState.DISABLED ? 'DISABLED' : 'ENABLED',
    description: wanted.description ?? null,
  };
}

function urlViolations(text: string, http: OutgoingHttp): FieldViolation[] {
  const url = URL.parse(text);
  if (url?.hash === '' && http.mayCall(url)) return [];
  const description = 'must be an https URL of a public host, without user name and fragment';
  return [{ field: 'webhookEndpoint.url', reason: 'URL_NOT_ALLOWED', description }];
}

function repeatedTypes(filters: readonly RecordTypeFilter[]): FieldViolation[] {
  const types = filters.map(({ recordType }) => recordType);
  return types.flatMap((type, index) => {
    if (types.indexOf(type) === index) return [];
    const field = `webhookEndpoint.filters[${index}].recordType`;
    return [{ field, reason: 'DUPLICATE', description: 'has a filter already' }];
  });
}

function unknownType(type: string, index: number): FieldViolation {
  const field = `webhookEndpoint.eventTypes[${index}]`;
  return { field, reason: 'EVENT_TYPE_UNKNOWN', description: whyNoEventType(type) };
}

/**
 * Refuses fields that no subscribed type has: the endpoint would silently receive no update.
 *
 * @throws AppError INVALID_ARGUMENT that names each of them
 */
export function checkFields({ eventTypes: types, fields }: Pick<EndpointContent, 'eventTypes' | 'fields'>): void {
  const violations = fields.flatMap((field, index): FieldViolation[] => {
    if (canChange(types, field)) return [];
    const description = 'must be the name of a field of a subscribed record type';
    return [{ field: `webhookEndpoint.fields[${index}]`, reason: 'UNKNOWN_FIELD', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
}
