import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection, type Statement } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { disabledEvent } from '../endpoints/event-types.js';
import { recordEvents } from '../events/record-events.js';
import { platformEvent } from '../events/webhook-event.js';
import type { Job } from './claim-jobs.js';
import { dropJobs, lockAllEndpoints, lockEndpoint, readyOrderingKeys } from './delivery-statements.js';
import type { Attempt } from './start-attempts.js';

/** The consequence of an attempt for its delivery. */
export type Verdict = { next: 'DELIVERED' } | FailureVerdict;

/** The consequence of a failed attempt. */
export type FailureVerdict =
  | { next: 'FAILED' }
  /** @param holdMs time for which the endpoint asks to receive nothing, neither this delivery nor another */
  | { next: 'RETRY'; waitMs: number; holdMs?: number | undefined }
  /**
   * The endpoint receives nothing any more.
   *
   * @param otherwise if it was repaired while the attempt was open
   */
  | { next: 'DISABLE'; reason: 'GONE' | 'FAILING'; otherwise: UndecidedVerdict };

/** A verdict that leaves the endpoint as it is. */
export type UndecidedVerdict = Exclude<FailureVerdict, { next: 'DISABLE' }>;

export interface AttemptRecord {
  startMs: number;
  durationMs: number;
  status?: number;
  /** Absent after success. */
  error?: string;
}

/** A finished attempt. */
export interface MadeAttempt {
  attempt: Attempt;
  record: AttemptRecord;
}

/**
 * Stores successful attempts and ends their deliveries, in one transaction that locks the endpoint once. When another
 * process has claimed a job in the meantime, only the attempt is stored: the delivery belongs to the other process.
 *
 * @param made of one endpoint
 */
export async function finishReceived(em: EntityManager, made: readonly [MadeAttempt, ...MadeAttempt[]]): Promise<void> {
  const { job } = made[0].attempt;
  const keys = made.map(({ attempt }) => ({ endpoint_id: job.endpointId, lane: attempt.orderingKey }));
  const statements = [
    settingStatement({ 'app.tenant_id': job.tenantId }),
    lockEndpoint(job.tenantId, job.endpointId),
    noteSuccess(job),
    ...made.flatMap(({ attempt, record }) => [
      insertAttempt(attempt, record),
      endDelivery(attempt, 'DELIVERED'),
      deleteJob(attempt),
    ]),
    readyOrderingKeys(job.tenantId, keys),
  ];
  await withConnection(em, (client) => pipeline(client, statements));
}

/**
 * Stores a failed attempt, and ends its delivery, schedules the next attempt, or disables the endpoint. A job that
 * another process has claimed in the meantime stays as it is.
 */
export async function finishFailed(
  em: EntityManager,
  envelope: SecretEnvelope,
  { attempt, record }: MadeAttempt,
  verdict: FailureVerdict,
): Promise<void> {
  const { tenantId, endpointId } = attempt.job;
  const session = settingStatement({ 'app.tenant_id': tenantId });
  const statements = (settled: FailureVerdict) => [
    insertAttempt(attempt, record),
    noteFailure(attempt.job),
    ...settle(attempt, settled),
  ];
  await withConnection(em, async (client) => {
    if (verdict.next !== 'DISABLE') {
      return pipeline(client, [session, lockEndpoint(tenantId, endpointId), ...statements(verdict)]);
    }
    await client.query('begin');
    // The other endpoints receive an event about a disabled one.
    const locked = [session, lockAllEndpoints(tenantId), isUnrepaired(attempt, verdict)];
    const isStillWrong = ((await pipeline(client, locked)).at(-1)?.rows.length ?? 0) > 0;
    await pipeline(client, statements(isStillWrong ? verdict : verdict.otherwise));
    if (isStillWrong) {
      const data = { endpointId, url: attempt.endpoint.url, reason: verdict.reason };
      await recordEvents(client, { envelope }, tenantId, [platformEvent(uuidv7(), disabledEvent, data)]);
    }
    return client.query('commit');
  });
}

/** Finds the endpoint unless it was changed, or received something after it had failed for long, while the attempt was open. */
function isUnrepaired({ job, endpoint }: Attempt, { reason }: { reason: 'GONE' | 'FAILING' }): Statement {
  return {
    name: 'find_unrepaired_webhook_endpoint',
    sql: `select from webhook_endpoint where tenant_id = $1 and id = $2 and version = $3
      and ($4::double precision is null or (extract(epoch from failing_time) * 1000)::double precision = $4)`,
    values: [job.tenantId, job.endpointId, endpoint.version, reason === 'FAILING' ? endpoint.failingTimeMs : null],
  };
}

/** Returns jobs without an attempt, for example when the process stops: they are due at once, for any process. */
export async function releaseJobs(em: EntityManager, jobs: readonly Job[]): Promise<void> {
  if (jobs.length === 0) return;
  await withConnection(em, (client) =>
    client.query(
      `update webhook_job job set claim_id = null, due_time = clock_timestamp()
       from unnest($1::uuid[], $2::uuid[]) as given (delivery_id, claim_id)
       where job.delivery_id = given.delivery_id and job.claim_id = given.claim_id`,
      [jobs.map(({ deliveryId }) => deliveryId), jobs.map(({ claimId }) => claimId)],
    ),
  );
}

function settle(attempt: Attempt, verdict: FailureVerdict): Statement[] {
  const { tenantId, endpointId, deliveryId } = attempt.job;
  switch (verdict.next) {
    case 'FAILED':
      return [
        endDelivery(attempt, verdict.next),
        deleteJob(attempt),
        readyOrderingKeys(tenantId, [{ endpoint_id: endpointId, lane: attempt.orderingKey }]),
      ];
    case 'RETRY':
      return [
        retryLater(attempt, verdict.waitMs),
        { sql: noteDue, name: 'note_webhook_due_time', values: [tenantId, deliveryId] },
        ...(verdict.holdMs === undefined ? [] : holdBack(attempt, verdict.holdMs)),
      ];
    case 'DISABLE':
      return [
        // A deleted endpoint needs no event; a failing one may need it when it is back.
        ...(verdict.reason === 'GONE' ? [endDelivery(attempt, 'FAILED')] : []),
        ...dropJobs(endpointId),
        { name: 'disable_webhook_endpoint', sql: disable, values: [tenantId, endpointId, verdict.reason] },
      ];
    default:
      return verdict satisfies never;
  }
}

/** Counts the attempt, which numbers it. Attempts that died with their process do not count. */
function insertAttempt({ job }: Attempt, { startMs, durationMs, status, error }: AttemptRecord): Statement {
  const time = new Date(startMs).toISOString();
  return {
    name: 'insert_webhook_attempt',
    sql: `with counted as (
        update webhook_delivery set attempt_count = attempt_count + 1 where tenant_id = $1 and id = $2
        returning attempt_count)
      insert into webhook_attempt (tenant_id, delivery_id, number, time, duration_ms, status, error)
      select $1::uuid, $2::uuid, attempt_count, $3::timestamptz, $4::int, $5::int, $6::text from counted
      on conflict do nothing`,
    values: [job.tenantId, job.deliveryId, time, Math.round(durationMs), status ?? null, error ?? null],
  };
}

function noteSuccess({ tenantId, endpointId }: Attempt['job']): Statement {
  return {
    name: 'note_webhook_success',
    sql: `update webhook_endpoint set failing_time = null
      where tenant_id = $1 and id = $2 and failing_time is not null`,
    values: [tenantId, endpointId],
  };
}

function noteFailure({ tenantId, endpointId }: Attempt['job']): Statement {
  return {
    name: 'note_webhook_failure',
    sql: `update webhook_endpoint set failing_time = now()
      where tenant_id = $1 and id = $2 and failing_time is null`,
    values: [tenantId, endpointId],
  };
}

function endDelivery({ job }: Attempt, state: string): Statement {
  return {
    name: 'end_webhook_delivery',
    sql: `update webhook_delivery set state = $4, end_time = clock_timestamp()
      where tenant_id = $1 and id = $2 and state = 'PENDING'
        and exists (select from webhook_job where delivery_id = $2 and claim_id = $3)`,
    values: [job.tenantId, job.deliveryId, job.claimId, state],
  };
}

function deleteJob({ job }: Attempt): Statement {
  return {
    name: 'delete_webhook_job',
    sql: 'delete from webhook_job where delivery_id = $1 and claim_id = $2',
    values: [job.deliveryId, job.claimId],
  };
}

function retryLater({ job }: Attempt, waitMs: number): Statement {
  return {
    name: 'retry_webhook_job',
    sql: `update webhook_job set claim_id = null, due_time = clock_timestamp() + make_interval(secs => $3 / 1000.0)
      where delivery_id = $1 and claim_id = $2`,
    values: [job.deliveryId, job.claimId, waitMs],
  };
}

/** Callers must not see internals of the job. */
const noteDue = `
  update webhook_delivery delivery set due_time = job.due_time from webhook_job job
  where delivery.tenant_id = $1 and delivery.id = $2 and job.delivery_id = $2 and job.claim_id is null`;

const disable = `
  update webhook_endpoint
  set state = 'DISABLED', disable_reason = $3, disable_time = now(), update_time = now(), version = version + 1
  where tenant_id = $1 and id = $2 and state = 'ENABLED'`;

/**
 * Puts the endpoint on hold, with all of its deliveries, present and future. Deliveries stay unchanged: after the hold,
 * each is due as before.
 */
function holdBack({ job }: Attempt, holdMs: number): Statement[] {
  return [
    {
      name: 'hold_webhook_endpoint',
      sql: `update webhook_endpoint
        set hold_time = greatest(hold_time, clock_timestamp() + make_interval(secs => $3 / 1000.0))
        where tenant_id = $1 and id = $2`,
      values: [job.tenantId, job.endpointId, holdMs],
    },
    {
      name: 'hold_webhook_turns',
      sql: `insert into webhook_hold as hold (endpoint_id, tenant_id, hold_until)
        values ($1, $2, clock_timestamp() + make_interval(secs => $3 / 1000.0))
        on conflict (endpoint_id) do update set hold_until = greatest(hold.hold_until, excluded.hold_until)`,
      values: [job.endpointId, job.tenantId, holdMs],
    },
  ];
}
