import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';
import type { Job } from './claim-jobs.js';
import type { SealedEvent } from './sealed-event.js';

/** All that an attempt needs. */
export interface Attempt {
  job: Job;
  /** From 1. */
  number: number;
  eventId: string;
  /** None when they are kept no longer. */
  events: SealedEvent[];
  lane: string;
  endpoint: AttemptEndpoint;
}

interface AttemptEndpoint {
  url: string;
  payload: string;
  hidesPersonalData: boolean;
  failingTimeMs: number | undefined;
  sealedKeys: Buffer;
  /** Of the time before, while they are still used. */
  previousSealedKeys: Buffer | undefined;
}

interface StartedRow {
  id: string;
  event_id: string;
  attempt_count: number;
  lane: string;
  events: SealedEvent[] | null;
  url: string;
  payload: string;
  hides_personal_data: boolean;
  failing_time_ms: number | null;
  sealed_keys: Buffer;
  previous_sealed_keys: Buffer | null;
}

/**
 * Notes that attempts begin, and reads what they need. From here on a delivery gathers no more events. A job whose delivery
 * is no longer to be sent is dropped.
 *
 * @param jobs of one tenant
 */
export async function startAttempts(em: EntityManager, tenantId: string, jobs: readonly Job[]): Promise<Attempt[]> {
  const ids = jobs.map(({ deliveryId }) => deliveryId);
  const [, started] = await withConnection(em, (client) =>
    pipeline(client, [
      settingStatement({ 'app.tenant_id': tenantId }),
      { name: 'start_webhook_attempts', sql: startQuery, values: [tenantId, ids] },
      { name: 'drop_idle_webhook_jobs', sql: dropQuery, values: [tenantId, ids, jobs[0]?.claimId] },
    ]),
  );
  const rows = new Map((started?.rows as StartedRow[]).map((row) => [row.id, row]));
  return jobs.flatMap((job) => {
    const row = rows.get(job.deliveryId);
    return row ? [attemptOf(job, row)] : [];
  });
}

function attemptOf(job: Job, row: StartedRow): Attempt {
  return {
    job,
    number: row.attempt_count,
    eventId: row.event_id,
    events: (row.events ?? []).map((event) => ({ ...event, time: new Date(event.time).toISOString() })),
    lane: row.lane,
    endpoint: {
      url: row.url,
      payload: row.payload,
      hidesPersonalData: row.hides_personal_data,
      failingTimeMs: row.failing_time_ms ?? undefined,
      sealedKeys: row.sealed_keys,
      previousSealedKeys: row.previous_sealed_keys ?? undefined,
    },
  };
}

const startQuery = `
  with started as (
    update webhook_delivery delivery set attempt_count = attempt_count + 1
    from webhook_endpoint endpoint
    where delivery.tenant_id = $1 and delivery.id = any ($2::uuid[]) and delivery.state = 'PENDING'
      and endpoint.tenant_id = $1 and endpoint.id = delivery.endpoint_id and endpoint.state = 'ENABLED'
    returning delivery.id, delivery.event_id, delivery.attempt_count, delivery.lane, delivery.events as numbers,
      endpoint.url, endpoint.payload, endpoint.hides_personal_data, endpoint.sealed_keys,
      (extract(epoch from endpoint.failing_time) * 1000)::double precision as failing_time_ms,
      case when endpoint.previous_expire_time > now() then endpoint.previous_sealed_keys end as previous_sealed_keys
  )
  select started.*, (
    select jsonb_agg(to_jsonb(event) order by event.number) from webhook_event event
    where event.tenant_id = $1 and event.number = any (started.numbers)) as events
  from started`;

const dropQuery = `
  delete from webhook_job job
  where job.tenant_id = $1 and job.delivery_id = any ($2::uuid[]) and job.claim_id = $3 and not exists (
    select from webhook_delivery delivery
    join webhook_endpoint endpoint on endpoint.tenant_id = $1 and endpoint.id = delivery.endpoint_id
    where delivery.tenant_id = $1 and delivery.id = job.delivery_id and delivery.state = 'PENDING'
      and endpoint.state = 'ENABLED')`;
