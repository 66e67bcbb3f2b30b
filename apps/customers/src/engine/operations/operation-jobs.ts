import type { EntityManager } from '@mikro-orm/postgresql';
import { arrayLiteral } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import { WakeSignal } from '../values/wake-signal.js';
import type { OperationTurn } from './operation-turn.js';
import type { Operation } from './operation.entity.js';

/** A job that a worker has taken. */
export interface Job {
  operationId: string;
  tenantId: string;
  /** Tells this taking of the job from every other. */
  claimId: string;
  /** How often it was taken, this time included, since the operation last got further. */
  attempts: number;
  /** Its turn with the worker. */
  turn?: OperationTurn;
}

/** How long a worker that says nothing keeps its job, in seconds. Another one goes on with it after that. */
const leaseSeconds = 10;

/** How often a job is taken without getting any further. Whatever ends its workers would end every other one too. */
export const maxAttempts = 5;

/** How often a worker says that it is still there, in milliseconds. */
export const renewalMs = 3_000;

const signals = new WeakMap<object, WakeSignal>();

/**
 * Wakes the worker of this process, once the transaction is committed that asked for it. Workers of other processes look for
 * jobs by themselves.
 */
export function jobSignal(em: EntityManager): WakeSignal {
  const connection = em.getConnection();
  let signal = signals.get(connection);
  if (!signal) signals.set(connection, (signal = new WakeSignal()));
  return signal;
}

/** Of a job that nobody has, is due, and is the first of its tenant. */
const isFree = `due_time <= clock_timestamp() and (lease_time is null or lease_time < clock_timestamp())
  and not exists (
    select from operation_job other
    where other.tenant_id = job.tenant_id
      and (other.due_time, other.operation_id) < (job.due_time, job.operation_id))`;

/** Asks for a worker, in the transaction that makes work for it: `jobSignal` wakes it afterwards. */
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

/** Takes a job from its worker, and asks for another one later. */
export async function postpone(em: EntityManager, { id, tenantId }: Operation, delaySeconds: number): Promise<void> {
  await em.execute(
    `insert into operation_job (operation_id, tenant_id, due_time)
     values (?, ?, clock_timestamp() + make_interval(secs => ?))
     on conflict (operation_id) do update
     set due_time = excluded.due_time, claim_id = null, lease_time = null, attempts = 0`,
    [id, tenantId, delaySeconds],
  );
}

/** Takes a job away, from its worker too. */
export async function removeJob(em: EntityManager, operationId: string): Promise<void> {
  await em.execute('delete from operation_job where operation_id = ?', [operationId]);
}

/**
 * Takes the job that waits longest. A tenant's jobs are done one by one, so that none keeps others from their turn.
 *
 * @param passedOver tenants that have had their turn
 */
export async function claimJob(em: EntityManager, passedOver: readonly string[] = []): Promise<Job | undefined> {
  const claimId = uuidv7();
  const [job] = await em.execute<{ operation_id: string; tenant_id: string; attempts: number }[]>(
    `update operation_job
     set claim_id = ?, lease_time = clock_timestamp() + make_interval(secs => ${leaseSeconds}), attempts = attempts + 1
     where operation_id = (
       select operation_id from operation_job job
       where ${isFree} and tenant_id <> all (?::uuid[])
       order by due_time, operation_id limit 1
       for update skip locked)
     returning operation_id, tenant_id, attempts`,
    [claimId, arrayLiteral(passedOver)],
  );
  return job && { operationId: job.operation_id, tenantId: job.tenant_id, claimId, attempts: job.attempts };
}

/** Whether there is a job that a worker could take. */
export async function hasFreeJob(em: EntityManager): Promise<boolean> {
  return (await em.execute<unknown[]>(`select 1 from operation_job job where ${isFree} limit 1`)).length > 0;
}

/** @returns whether the job is still the claim's. */
export async function holdsJob(em: EntityManager, { operationId, claimId }: Job): Promise<boolean> {
  const held = await em.execute<unknown[]>('select 1 from operation_job where operation_id = ? and claim_id = ?', [
    operationId,
    claimId,
  ]);
  return held.length > 0;
}

/** @returns whether the job was still the claim's */
export async function renewLease(em: EntityManager, { operationId, claimId }: Job): Promise<boolean> {
  const renewed = await em.execute<unknown[]>(
    `update operation_job set lease_time = clock_timestamp() + make_interval(secs => ${leaseSeconds})
     where operation_id = ? and claim_id = ? returning 1`,
    [operationId, claimId],
  );
  return renewed.length > 0;
}

/** Notes that the operation got further, in the transaction that brought it there. It keeps the lease from being renewed. */
export async function noteProgress(em: EntityManager, { operationId, claimId, turn }: Job): Promise<void> {
  turn?.stepDone();
  await em.execute('update operation_job set attempts = 0 where operation_id = ? and claim_id = ? and attempts > 0', [
    operationId,
    claimId,
  ]);
}

/** Gives a job that is not done to whoever takes it next. */
export async function releaseJob(em: EntityManager, { operationId, claimId }: Job): Promise<void> {
  await em.execute(
    `update operation_job set claim_id = null, lease_time = null, attempts = 0 where operation_id = ? and claim_id = ?`,
    [operationId, claimId],
  );
}

/** Gives a job back that can't even be given up, for an hour: others of its tenant have their turn meanwhile. */
export async function shelveJob(em: EntityManager, { operationId, claimId }: Job): Promise<void> {
  await em.execute(
    `update operation_job set claim_id = null, lease_time = null, due_time = clock_timestamp() + interval '1 hour'
     where operation_id = ? and claim_id = ?`,
    [operationId, claimId],
  );
}
