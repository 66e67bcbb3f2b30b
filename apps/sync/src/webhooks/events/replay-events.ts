import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ReplayWebhookEventsRequest,
  ReplayWebhookEventsResponse,
  WebhookReplay,
} from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import {
  insertDeliveries,
  lockEndpoint,
  newDelivery,
  readyOrderingKeys,
  type StoredEvent,
} from '../deliveries/delivery-statements.js';
import { wants } from '../endpoints/event-types.js';
import { WebhookEndpoint } from '../endpoints/webhook-endpoint.entity.js';
import { foundEndpoint } from '../endpoints/write-endpoint.js';
import { FiltersUnansweredError, type RecordFilters } from './record-filters.js';
import type { WebhookEvent } from './webhook-event.js';

const maxEvents = 100_000;

/** Maximum number of events that a filter of the endpoint decides on, since customers matches them. */
const maxCompared = 5_000;

/** Deliveries per statement. */
const batchSize = 5_000;

type KnownEvent = Pick<WebhookEvent, 'id' | 'type' | 'record_type' | 'record_id' | 'time' | 'changed_fields'> &
  StoredEvent;

/** Handles ReplayWebhookEvents. Runs in a transaction. */
export async function replayEvents(
  em: EntityManager,
  filters: RecordFilters,
  { id, replay }: ReplayWebhookEventsRequest,
): Promise<ReplayWebhookEventsResponse> {
  const condition = conditionOf(replay);
  const { tenantId } = currentCaller();
  await transactionPipeline(em, [keepEndpoint(tenantId, id)]);
  const endpoint = foundEndpoint(await em.findOne(WebhookEndpoint, { tenantId, id }));
  checkEnabled(endpoint);
  const events = await queryRows<KnownEvent>(em, findEvents(tenantId, condition));
  if (events.length > maxEvents) throw tooLarge(`These are more than ${maxEvents} events.`);
  const matches = await filters.matches(tenantId, [endpoint], events, maxCompared).catch(unanswered);
  const deliveries = events
    .filter((event) => wants(endpoint, event) && matches(endpoint, event))
    .map((event) => newDelivery(event, event, id));
  // Other transactions that create or end deliveries of the endpoint wait for its lock, so it is taken after the work is known.
  const [[locked] = []] = (await transactionPipeline(em, [lockEndpoint(tenantId, id)])) as [{ state: string }[]];
  checkEnabled(locked ?? { state: 'DISABLED' });
  for (let start = 0; start < deliveries.length; start += batchSize) {
    const batch = deliveries.slice(start, start + batchSize);
    await transactionPipeline(em, [insertDeliveries(tenantId, batch, true), readyOrderingKeys(tenantId, batch)]);
  }
  return { count: deliveries.length };
}

function tooLarge(problem: string): AppError {
  return new AppError('RESOURCE_EXHAUSTED', 'REPLAY_TOO_LARGE', `${problem} Name fewer of them at a time.`);
}

/** @throws AppError */
function unanswered(error: unknown): never {
  if (!(error instanceof FiltersUnansweredError)) throw error;
  if (error.cause === undefined) throw tooLarge(`A filter decides on more than ${maxCompared} of these events.`);
  throw error.cause as Error;
}

/** Prevents its deletion until the end of the transaction. Other changes are possible. */
function keepEndpoint(tenantId: string, id: string): Statement {
  const sql = 'select 1 from webhook_endpoint where tenant_id = $1 and id = $2 for key share';
  return { name: 'keep_webhook_endpoint', sql, values: [tenantId, id] };
}

/** @throws AppError FAILED_PRECONDITION */
export function checkEnabled({ state }: { state: string }): void {
  if (state === 'ENABLED') return;
  throw new AppError('FAILED_PRECONDITION', 'WEBHOOK_ENDPOINT_DISABLED', 'The webhook endpoint is disabled.');
}

interface Condition {
  sql: string;
  values: unknown[];
}

/** @throws AppError INVALID_ARGUMENT unless the request selects events in exactly one way, completely */
function conditionOf(replay: WebhookReplay | undefined): Condition {
  const { eventIds = [], startTime, endTime, firstEventId, lastEventId } = replay ?? {};
  const ways: (Condition | undefined)[] = [
    eventIds.length > 0 ? { sql: 'id = any ($2::uuid[])', values: [eventIds] } : undefined,
    startTime !== undefined && endTime !== undefined
      ? { sql: betweenTimes, values: [startTime, endTime].map(milliseconds) }
      : undefined,
    firstEventId !== undefined && lastEventId !== undefined
      ? {
          sql: `number between (select number from webhook_event where tenant_id = $1 and id = $2)
            and (select number from webhook_event where tenant_id = $1 and id = $3)`,
          values: [firstEventId, lastEventId],
        }
      : undefined,
  ];
  const [way, ...others] = ways.filter((each) => each !== undefined);
  const isHalf =
    (startTime === undefined) !== (endTime === undefined) ||
    (firstEventId === undefined) !== (lastEventId === undefined);
  if (way && others.length === 0 && !isHalf) return way;
  const description = 'must have eventIds, or startTime and endTime, or firstEventId and lastEventId';
  throw invalidArgument([{ field: 'replay', reason: 'REPLAY_AMBIGUOUS', description }]);
}

const betweenTimes = 'time >= to_timestamp($2::float8 / 1000) and time < to_timestamp($3::float8 / 1000)';

/** A time that PostgreSQL can represent. */
function milliseconds(time: string): number {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

function findEvents(tenantId: string, { sql, values }: Condition): Statement {
  return {
    sql: `select id, number, coalesce(octet_length(sealed_values), 0) as bytes, type, record_type, record_id,
        to_json(time) #>> '{}' as time, changed_fields
      from webhook_event
      where tenant_id = $1 and ${sql} and record_type is not null order by number limit ${maxEvents + 1}`,
    values: [tenantId, ...values],
  };
}
