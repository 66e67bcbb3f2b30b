import { pipeline, settingStatement, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import {
  insertDeliveries,
  newDelivery,
  readyOrderingKeys,
  type NewDelivery,
  type StoredEvent,
} from '../deliveries/delivery-statements.js';
import { wants } from '../endpoints/event-types.js';
import type { RecordFilters, RecordTypeFilter } from './record-filters.js';
import { sealEvent, type SealedEvent } from './sealed-event.js';
import { eventColumns, gatheredType, orderingKeyOf, type WebhookEvent } from './webhook-event.js';

/** Origin of changes that erasures make: the values of these records are erased here too. */
export const erasureOrigin = 'erasure';

/** Maximum number of events in a delivery, and of bytes of their values: a delivery is in memory as a whole. */
const maxGathered = 1_000;
const maxGatheredBytes = 8 * 1024 * 1024;

/** Maximum number of characters of values per statement: PostgreSQL takes at most 256 MiB of JSON. */
const maxStoredChars = 8 * 1024 * 1024;

/** The events of a tenant require more deliveries than may be created at once. */
export class TooManyDeliveriesError extends Error {
  override readonly name = 'TooManyDeliveriesError';
}

interface Endpoint {
  id: string;
  eventTypes: string[];
  fields: string[];
  readPermissions: string[];
  coalescingSeconds: number;
  filters: RecordTypeFilter[];
}

/**
 * Stores events of a tenant in order, with a delivery to each subscribed endpoint. Runs in a transaction, and sets its
 * tenant.
 *
 * Locks the endpoints before it creates deliveries, as do transactions that end one. So each sees the effect of the
 * other on an ordering key, and no ordering key is left without a job.
 *
 * @param client in the transaction
 * @param filters required for events about records
 * @param maxDeliveries limit of deliveries, which a single event may exceed
 * @returns the number of deliveries
 * @throws TooManyDeliveriesError or FiltersUnansweredError, after which nothing of it may be committed
 */
export async function recordEvents(
  client: ClientBase,
  { envelope, filters }: { envelope: SecretEnvelope; filters?: RecordFilters },
  tenantId: string,
  events: readonly WebhookEvent[],
  maxDeliveries = Number.POSITIVE_INFINITY,
): Promise<number> {
  const [, endpoints, ...stored] = await pipeline(client, [
    settingStatement({ 'app.tenant_id': tenantId }),
    lockEndpoints(tenantId),
    ...insertEvents(envelope, tenantId, events),
    forgetErased(tenantId, events),
  ]);
  if (events.length > 1 && events.length * (endpoints?.rowCount ?? 0) > maxDeliveries)
    throw new TooManyDeliveriesError();
  const known = new Map(
    stored.flatMap(({ rows }) => rows as (StoredEvent & { id: string })[]).map((row) => [row.id, row]),
  );
  // Others were stored before: the feed is being read again from an older cursor.
  const fresh = events.flatMap((event) => {
    const place = known.get(event.id);
    return place ? [{ event, place }] : [];
  });
  const all = (endpoints?.rows ?? []) as Endpoint[];
  const isWanted = await wishes(
    filters,
    tenantId,
    all,
    fresh.map(({ event }) => event),
  );
  const deliveries: NewDelivery[] = [];
  for (const { event, place } of fresh) {
    for (const endpoint of all.filter((each) => isWanted(each, event))) {
      const isGathered =
        endpoint.coalescingSeconds > 0 && (await gather(client, tenantId, endpoint, event, place, deliveries));
      if (!isGathered) deliveries.push(newDelivery(event, place, endpoint.id, endpoint.coalescingSeconds));
    }
  }
  if (deliveries.length > 0) {
    await pipeline(client, [insertDeliveries(tenantId, deliveries, false), readyOrderingKeys(tenantId, deliveries)]);
  }
  return deliveries.length;
}

/** Whether an endpoint receives an event: it is subscribed, and the record matches its filter. */
async function wishes(
  filters: RecordFilters | undefined,
  tenantId: string,
  endpoints: readonly Endpoint[],
  events: readonly WebhookEvent[],
): Promise<(endpoint: Endpoint, event: WebhookEvent) => boolean> {
  if (!filters) return (endpoint, event) => wants(endpoint, event);
  const matches = await filters.matches(tenantId, endpoints, events);
  return (endpoint, event) => wants(endpoint, event) && matches(endpoint, event);
}

/**
 * Adds an event to a delivery that still gathers events, of this transaction or an earlier one.
 *
 * A delivery that is being taken for its first attempt is locked, and gathers no more once this transaction has the
 * lock.
 */
async function gather(
  client: ClientBase,
  tenantId: string,
  endpoint: Endpoint,
  event: WebhookEvent,
  { number, bytes }: StoredEvent,
  deliveries: NewDelivery[],
): Promise<boolean> {
  const orderingKey = orderingKeyOf(event);
  const own = deliveries.findLast((delivery) => delivery.endpoint_id === endpoint.id && delivery.lane === orderingKey);
  if (own && own.events.length < maxGathered && own.event_bytes + bytes <= maxGatheredBytes) {
    own.events.push(number);
    own.event_bytes += bytes;
    own.event_type = gatheredType(own.event_type, event.type);
    return true;
  }
  const { rowCount } = await client.query(
    `update webhook_delivery
     set events = events || $4::bigint, event_bytes = event_bytes + $6,
       event_type = case when event_type like '%.created' and $5 like '%.updated' then event_type else $5 end
     where tenant_id = $1 and endpoint_id = $2 and lane = $3 and state = 'PENDING'
       and attempt_count = 0 and not is_started and not is_replay and due_time > clock_timestamp()
       and cardinality(events) < ${maxGathered} and event_bytes + $6 <= ${maxGatheredBytes}`,
    [tenantId, endpoint.id, orderingKey, number, event.type, bytes],
  );
  return (rowCount ?? 0) > 0;
}

function lockEndpoints(tenantId: string): Statement {
  return {
    name: 'lock_webhook_endpoints',
    sql: `select id, event_types as "eventTypes", fields, read_permissions as "readPermissions",
        coalescing_seconds as "coalescingSeconds", filters
      from webhook_endpoint
      where tenant_id = $1 and state = 'ENABLED' order by id for no key update`,
    values: [tenantId],
  };
}

/** Values are stored for tenants with an endpoint that receives them. An event without a record has no other content. */
export function insertEvents(envelope: SecretEnvelope, tenantId: string, events: readonly WebhookEvent[]): Statement[] {
  return pieces(events.map((event) => sealEvent(envelope, tenantId, event))).map((piece) =>
    insertSealed(tenantId, piece),
  );
}

function insertSealed(tenantId: string, events: readonly SealedEvent[]): Statement {
  const names = eventColumns.map(([name]) => name).join(', ');
  const typed = eventColumns.map(([name, type]) => `${name} ${type}`).join(', ');
  return {
    name: 'insert_webhook_events',
    sql: `insert into webhook_event (tenant_id, ${names}, sealed_values)
      select $1::uuid, ${names}, case when record_type is null or exists (
          select from webhook_endpoint where tenant_id = $1 and payload = 'FULL') then sealed_values end
      from rows from (jsonb_to_recordset($2::jsonb) as (${typed}, sealed_values bytea))
        with ordinality as event (${names}, sealed_values, place)
      order by place
      on conflict (tenant_id, id) do nothing
      returning id, number, coalesce(octet_length(sealed_values), 0) as bytes`,
    values: [tenantId, JSON.stringify(events)],
  };
}

/** Batches in order, each with at most the values that one statement may store. */
function pieces(events: readonly SealedEvent[]): SealedEvent[][] {
  const all: SealedEvent[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const event of events) {
    const own = event.sealed_values?.length ?? 0;
    if (chars + own > maxStoredChars) {
      all.push([]);
      chars = 0;
    }
    all.at(-1)?.push(event);
    chars += own;
  }
  return all;
}

function forgetErased(tenantId: string, events: readonly WebhookEvent[]): Statement {
  const ids = events.filter(({ origin, record_id }) => origin === erasureOrigin && record_id !== null);
  return {
    name: 'forget_erased_events',
    sql: `update webhook_event set sealed_values = null
      where tenant_id = $1 and record_id = any ($2::text[]) and sealed_values is not null`,
    values: [tenantId, ids.map(({ record_id }) => record_id)],
  };
}
