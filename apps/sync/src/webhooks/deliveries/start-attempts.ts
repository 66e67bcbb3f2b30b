import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';
import type { SealedEvent } from '../events/sealed-event.js';
import { eventColumns } from '../events/webhook-event.js';
import type { Job } from './claim-jobs.js';

/** Everything that an attempt needs. */
export interface Attempt {
  job: Job;
  /** From 1, unless another process makes one at the same time. */
  number: number;
  /** Size of the sealed values that it has in memory. */
  bytes: number;
  eventId: string;
  /** Empty when the events have expired. */
  events: SealedEvent[];
  orderingKey: string;
  endpoint: AttemptEndpoint;
}

interface AttemptEndpoint {
  /** Counts its changes. */
  version: number;
  url: string;
  payload: string;
  hidesPersonalData: boolean;
  failingTimeMs: number | undefined;
  sealedKeys: Buffer;
  /** Former keys, while they are still used. */
  previousSealedKeys: Buffer | undefined;
}

interface StartedRow {
  id: string;
  event_id: string;
  attempt_count: number;
  lane: string;
  events: SealedEvent[] | null;
  bytes: number;
  version: number;
  url: string;
  payload: string;
  hides_personal_data: boolean;
  failing_time_ms: number | null;
  sealed_keys: Buffer;
  previous_sealed_keys: Buffer | null;
}

/** Started attempts, and jobs for which there was no room. */
export interface Started {
  attempts: Attempt[];
  left: Job[];
}

/**
 * Starts attempts, and reads what they need. From here on a delivery gathers no further events. Drops a job whose
 * delivery must not be sent any more.
 *
 * @param jobs of one tenant
 * @param maxBytes of all values, except that a single delivery may exceed it
 */
export async function startAttempts(
  em: EntityManager,
  tenantId: string,
  jobs: readonly Job[],
  maxBytes: number,
): Promise<Started> {
  const ids = jobs.map(({ deliveryId }) => deliveryId);
  const [, , started, dropped] = await withConnection(em, (client) =>
    pipeline(client, [
      settingStatement({ 'app.tenant_id': tenantId }),
      { name: 'close_webhook_deliveries', sql: closeQuery, values: [tenantId, ids] },
      { name: 'start_webhook_attempts', sql: startQuery, values: [tenantId, ids, maxBytes] },
      { name: 'drop_idle_webhook_jobs', sql: dropQuery, values: [tenantId, ids, jobs[0]?.claimId] },
    ]),
  );
  const rows = new Map((started?.rows as StartedRow[]).map((row) => [row.id, row]));
  const gone = new Set((dropped?.rows as { delivery_id: string }[]).map((row) => row.delivery_id));
  const left: Job[] = [];
  const attempts = jobs.flatMap((job) => {
    const row = rows.get(job.deliveryId);
    if (!row && !gone.has(job.deliveryId)) left.push(job);
    return row ? [attemptOf(job, row)] : [];
  });
  return { attempts, left };
}

function attemptOf(job: Job, row: StartedRow): Attempt {
  return {
    job,
    number: row.attempt_count + 1,
    bytes: row.bytes,
    eventId: row.event_id,
    events: (row.events ?? []).map((event) => ({ ...event, time: new Date(event.time).toISOString() })),
    orderingKey: row.lane,
    endpoint: {
      version: row.version,
      url: row.url,
      payload: row.payload,
      hidesPersonalData: row.hides_personal_data,
      failingTimeMs: row.failing_time_ms ?? undefined,
      sealedKeys: row.sealed_keys,
      previousSealedKeys: row.previous_sealed_keys ?? undefined,
    },
  };
}

// Waits for a transaction that is adding an event.
const closeQuery = `
  update webhook_delivery set is_started = true
  where tenant_id = $1 and id = any ($2::uuid[]) and not is_started`;

const startQuery = `
  with ready as (
    select delivery.id, delivery.event_id, delivery.attempt_count, delivery.lane, delivery.events as numbers,
      delivery.number as place, endpoint.version, endpoint.url, endpoint.payload, endpoint.hides_personal_data, endpoint.sealed_keys,
      case when endpoint.payload = 'FULL' then delivery.event_bytes else 0 end::double precision as bytes,
      (extract(epoch from endpoint.failing_time) * 1000)::double precision as failing_time_ms,
      case when endpoint.previous_expire_time > now() then endpoint.previous_sealed_keys end as previous_sealed_keys
    from webhook_delivery delivery
    join webhook_endpoint endpoint on endpoint.tenant_id = $1 and endpoint.id = delivery.endpoint_id
    where delivery.tenant_id = $1 and delivery.id = any ($2::uuid[]) and delivery.state = 'PENDING'
      and endpoint.state = 'ENABLED'
  ),
  weighed as (select ready.*, sum(bytes) over (order by place) as total from ready)
  select weighed.*, (
    select jsonb_agg(to_jsonb(event) order by event.number) from (
      select ${eventColumns.map(([name]) => name).join(', ')}, number,
        case when weighed.payload = 'FULL' or record_type is null then sealed_values end as sealed_values
      from webhook_event where tenant_id = $1 and number = any (weighed.numbers)) event) as events
  from weighed where total <= $3 or total = bytes`;

// Finds once, and first, what can be sent: an anti-join with deliveries without statistics scans them all.
const dropQuery = `
  delete from webhook_job
  where tenant_id = $1 and delivery_id = any ($2::uuid[]) and claim_id = $3 and delivery_id not in (
    select delivery.id from webhook_delivery delivery
    join webhook_endpoint endpoint on endpoint.tenant_id = $1 and endpoint.id = delivery.endpoint_id
    where delivery.tenant_id = $1 and delivery.id = any ($2::uuid[]) and delivery.state = 'PENDING'
      and endpoint.state = 'ENABLED')
  returning delivery_id`;
