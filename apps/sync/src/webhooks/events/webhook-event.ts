import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { traceparentOf } from '@rapport/platform';
import { eventTypeOf, gapEvent } from '../endpoints/event-types.js';

type Values = Record<string, unknown>;

/** An event, with the names of its columns. */
export interface WebhookEvent {
  id: string;
  /** Such as `customer.updated`. */
  type: string;
  /** Absent for an event without a record. */
  record_type: string | null;
  record_id: string | null;
  version: number | null;
  operation: string;
  /** ISO 8601. */
  time: string;
  changed_fields: string[];
  before: Values | null;
  /** The content of an event without a record. */
  after: Values | null;
  actor: string;
  origin: string;
  request_id: string | null;
  causation_id: string | null;
  hop: number;
  /** The `traceparent` of its trace. */
  traceparent: string | null;
}

/** For `jsonb_to_recordset`: the columns of a WebhookEvent, with their types. */
export const eventColumns = [
  ['id', 'uuid'],
  ['type', 'text'],
  ['record_type', 'text'],
  ['record_id', 'text'],
  ['version', 'int'],
  ['operation', 'text'],
  ['time', 'timestamptz'],
  ['changed_fields', 'text[]'],
  ['actor', 'text'],
  ['origin', 'text'],
  ['request_id', 'text'],
  ['causation_id', 'text'],
  ['hop', 'int'],
  ['traceparent', 'text'],
] as const;

export function eventOfChange(change: Change): WebhookEvent {
  const type = eventTypeOf(change);
  const isGap = type === gapEvent;
  return {
    id: change.id,
    type,
    record_type: isGap ? null : change.type,
    record_id: isGap ? null : change.recordId,
    version: isGap ? null : change.version,
    operation: ChangeOperation[change.operation] ?? 'GAP',
    time: change.time ?? new Date(0).toISOString(),
    changed_fields: change.changedFields,
    before: change.before ?? null,
    after: isGap ? (change.after ?? { recordType: change.type }) : (change.after ?? null),
    actor: change.actor,
    origin: change.origin,
    request_id: change.requestId ?? null,
    causation_id: change.causationId ?? null,
    hop: change.hop,
    traceparent: change.traceparent ?? null,
  };
}

/** An event that does not come from the feed. */
export function platformEvent(id: string, type: string, data: Values): WebhookEvent {
  return {
    ...{ id, type, record_type: null, record_id: null, version: null, operation: '', time: new Date().toISOString() },
    ...{ changed_fields: [], before: null, after: data, actor: 'service:sync', origin: 'sync' },
    ...{ request_id: null, causation_id: null, hop: 0, traceparent: traceparentOf() ?? null },
  };
}

/** The ordering key of an event, in the column `lane`: events with the same key are delivered one after the other. */
export function orderingKeyOf({
  id,
  record_type,
  record_id,
}: Pick<WebhookEvent, 'id' | 'record_type' | 'record_id'>): string {
  return record_type !== null && record_id !== null ? `${record_type}/${record_id}` : `event/${id}`;
}

/** Combines events of one record, in order, into one event with the id of the first. */
export function gatherEvents(events: readonly WebhookEvent[]): WebhookEvent {
  return events.reduce((earlier, later) => ({
    ...later,
    id: earlier.id,
    type: gatheredType(earlier.type, later.type),
    operation: gatheredType(earlier.type, later.type) === earlier.type ? earlier.operation : later.operation,
    changed_fields: [...new Set([...earlier.changed_fields, ...later.changed_fields])],
    before: joined(later.before, earlier.before),
    after: joined(earlier.after, later.after),
  }));
}

/** A record that was created and then changed is new to the receiver. */
export function gatheredType(earlier: string, later: string): string {
  return earlier.endsWith('.created') && later.endsWith('.updated') ? earlier : later;
}

function joined(base: Values | null, over: Values | null): Values | null {
  return base || over ? { ...base, ...over } : null;
}
