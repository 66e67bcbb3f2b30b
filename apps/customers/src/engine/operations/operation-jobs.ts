/*
 * Why not pg-boss (12.38). Measured with 50,000 jobs of 1,000 tenants on PostgreSQL 18 and 2 cores, claiming a job takes 0.6 ms
 * here, 31 ms with the policy `key_strict_fifo` by tenant, and 1 to 2 ms with `groupConcurrency: 1` by tenant. The last is fast
 * enough, and `ignoreGroups` could skip tenants that had a turn. But the worker needs two things that pg-boss lacks:
 * - A fencing token: each step checks `claim_id` in its own transaction (`holdsJob`), so a worker that lost its lease can't
 *   commit a step. pg-boss compares the attempt (`retry_count`) only when a job is settled, which is hours after the steps.
 * - Attempts since the last progress: `noteProgress` resets them with the checkpoint, and a job that yields after its turn
 *   loses none. pg-boss counts every fetch after the first as a retry, and never resets the count.
 * Both could be read and written in its internal tables only, which change with its releases. It would also add a schema, and
 * 5 connections to each process, in place of one table and ten statements.
 */
import type { EntityManager } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';
import { WakeSignal } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { OperationTurn } from './operation-turn.js';
import type { Operation } from './operation.entity.js';

/** A job that a worker has claimed. */
export interface Job {
  operationId: string;
  tenantId: string;
  /** Identifies this claim of the job. */
  claimId: string;
  /** Number of claims, including this one, since the operation last made progress. */
  attempts: number;
  /** Time slice of the job in its worker. */
  turn?: OperationTurn;
}

/** Duration of a lease in seconds. After that without a renewal another worker takes the job over. */
const leaseSeconds = 10;

/** Most claims of a job without progress. After that the job is likely to crash every worker. */
export const maxAttempts = 5;

/** Interval at which a worker renews its lease, in milliseconds. */
export const renewalMs = 3_000;

const signals = new WeakMap<object, WakeSignal>();

/**
 * The signal that wakes the worker of this process. Fire it after the transaction that enqueued the job has committed. Workers of
 * other processes poll.
 */
export function jobSignal(em: EntityManager): WakeSignal {
  const connection = em.getConnection();
  let signal = signals.get(connection);
  if (!signal) signals.set(connection, (signal = new WakeSignal()));
  return signal;
}

/** SQL condition: the job is due, has no lease, and is the first of its tenant. */
const isFree = `due_time <= clock_timestamp() and (lease_time is null or lease_time < clock_timestamp())
  and not exists (
    select from operation_job other
    where other.tenant_id = job.tenant_id
      and (other.due_time, other.operation_id) < (job.due_time, job.operation_id))`;

/** Enqueues the job of an operation in the current transaction. Fire `jobSignal` after the commit. */
export async function enqueue(
  em: EntityManager,
  { id, tenantId }: Pick<Operation, 'id' | 'tenantId'>,
  delaySeconds = 0,
): Promise<void> {
  await em.execute(
    `insert into operation_job (operation_id, tenant_id, due_time)
     values (?, ?, clock_timestamp() + make_interval(secs => ?))
     on conflict (operation_id) do update set due_time = least(operation_job.due_time, excluded.due_time)`,
    [id, tenantId, delaySeconds],
  );
}

/** Revokes the lease of a job and makes it due again after a delay. */
export async function postpone(em: EntityManager, { id, tenantId }: Operation, delaySeconds: number): Promise<void> {
  await em.execute(
    `insert into operation_job (operation_id, tenant_id, due_time)
     values (?, ?, clock_timestamp() + make_interval(secs => ?))
     on conflict (operation_id) do update
     set due_time = excluded.due_time, claim_id = null, lease_time = null, attempts = 0`,
    [id, tenantId, delaySeconds],
  );
}

/** Deletes a job, and with it the lease of its worker. */
export async function removeJob(em: EntityManager, operationId: string): Promise<void> {
  await em.execute('delete from operation_job where operation_id = ?', [operationId]);
}

/**
 * Claims the free job that is due for longest. Jobs of one tenant run one at a time, so that no tenant occupies all workers.
 * Every process asks several times a second, nearly always in vain: the plan of the query is kept.
 *
 * @param passedOver tenants whose jobs are skipped
 */
export async function claimJob(em: EntityManager, passedOver: readonly string[] = []): Promise<Job | undefined> {
  const claimId = uuidv7();
  const { rows } = await withConnection(em, (client) =>
    client.query<{ operation_id: string; tenant_id: string; attempts: number }>({
      name: 'claim_operation_job',
      text: claimQuery,
      values: [claimId, passedOver],
    }),
  );
  const [job] = rows;
  return job && { operationId: job.operation_id, tenantId: job.tenant_id, claimId, attempts: job.attempts };
}

// A SELECT, so that it does not count as a write to the change log, and does not wake the sequencer.
const claimQuery = `
  with claimed as (
    update operation_job
    set claim_id = $1, lease_time = clock_timestamp() + make_interval(secs => ${leaseSeconds}), attempts = attempts + 1
    where operation_id = (
      select operation_id from operation_job job
      where ${isFree} and tenant_id <> all ($2::uuid[])
      order by due_time, operation_id limit 1
      for update skip locked)
    returning operation_id, tenant_id, attempts)
  select operation_id, tenant_id, attempts from claimed`;

/** Whether a worker could claim a job now. */
export async function hasFreeJob(em: EntityManager): Promise<boolean> {
  return (await em.execute<unknown[]>(`select 1 from operation_job job where ${isFree} limit 1`)).length > 0;
}

/** @returns whether the claim still holds the job */
export async function holdsJob(em: EntityManager, { operationId, claimId }: Job): Promise<boolean> {
  const held = await em.execute<unknown[]>('select 1 from operation_job where operation_id = ? and claim_id = ?', [
    operationId,
    claimId,
  ]);
  return held.length > 0;
}

/** @returns whether the claim still held the job */
export async function renewLease(em: EntityManager, { operationId, claimId }: Job): Promise<boolean> {
  const renewed = await em.execute<unknown[]>(
    `update operation_job set lease_time = clock_timestamp() + make_interval(secs => ${leaseSeconds})
     where operation_id = ? and claim_id = ? returning 1`,
    [operationId, claimId],
  );
  return renewed.length > 0;
}

/** Resets `attempts` in the transaction that made progress. The lease cannot be renewed until that commits. */
export async function noteProgress(em: EntityManager, { operationId, claimId, turn }: Job): Promise<void> {
  turn?.stepDone();
  await em.execute('update operation_job set attempts = 0 where operation_id = ? and claim_id = ? and attempts > 0', [
    operationId,
    claimId,
  ]);
}

/** Releases an unfinished job. Another worker can claim it at once. */
export async function releaseJob(em: EntityManager, { operationId, claimId }: Job): Promise<void> {
  await em.execute(
    `update operation_job set claim_id = null, lease_time = null, attempts = 0 where operation_id = ? and claim_id = ?`,
    [operationId, claimId],
  );
}

/** Releases a job that cannot even be marked as failed, and makes it due in an hour. Other jobs of the tenant run meanwhile. */
export async function deferJob(em: EntityManager, { operationId, claimId }: Job): Promise<void> {
  await em.execute(
    `update operation_job set claim_id = null, lease_time = null, due_time = clock_timestamp() + interval '1 hour'
     where operation_id = ? and claim_id = ?`,
    [operationId, claimId],
  );
}
