import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { isConnectionLoss } from '@rapport/persistence';
import { inSpan, WorkerLoop } from '@rapport/platform';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { idleMs } from '../../storage/due-work.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { FailingEndpoints } from '../endpoints/failing-endpoints.js';
import { TenantLimit } from '../endpoints/tenant-limit.js';
import { AttemptsInFlight } from './attempts-in-flight.js';
import { areThereJobs, claimJobs, endedClaims, type Job } from './claim-jobs.js';
import { finishFailed, releaseJobs } from './finish-attempt.js';
import { ReceivedAttempts } from './finish-together.js';
import { makeAttempt, type DeliveryRules } from './make-attempt.js';
import { startAttempts, type Attempt, type Started } from './start-attempts.js';
import { startDelivery } from './trace-delivery.js';
import { countAttempt, reportJobs } from './webhook-metrics.js';

/**
 * Maximum number of concurrent transactions per tenant that store attempts: each takes a connection of the pool, even
 * while it waits for a lock.
 */
const maxFinishing = 6;

/** Interval between polls while there are jobs, in milliseconds. Jobs of this process and `DueWork` wake the dispatcher. */
const lookEveryMs = 250;

/** Interval in which it is checked whether the claims of attempts in progress have ended, in milliseconds. */
const checkEveryMs = 1_000;

/** Delay of a due delivery from which `/readyz` reports it. */
const lateSeconds = 60;

/** Allowance of an attempt besides the request itself, in milliseconds. */
const leaseMarginMs = 5_000;

/** Maximum duration of attempts after the process is asked to stop, in milliseconds. */
const drainMs = 4_000;

/**
 * Makes the attempts of all tenants, in each process of the service. When a process dies, its claims are due again at
 * the end of their leases.
 */
export class Dispatcher implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  readonly #logger = new Logger('Dispatcher');
  // What was claimed before a failure is due again when its lease ends.
  readonly #loop = new WorkerLoop({
    pass: async ({ isWoken }) => {
      await this.#abortEnded();
      return (await this.#claim(isWoken)) || this.#running.size > 0 ? lookEveryMs : undefined;
    },
    intervalMs: idleMs,
    retryMs: lookEveryMs,
    onOutage: (error) => this.#logger.warn("Can't look for deliveries.", error),
  });
  readonly #inFlight = new AttemptsInFlight();
  readonly #failing = new FailingEndpoints();
  readonly #finishing = new TenantLimit(maxFinishing);
  readonly #received = new ReceivedAttempts(() => this.orm.em.fork(), this.#finishing);
  readonly #running = new Set<Promise<void>>();
  /** Endpoints that were disabled or deleted while their attempts started. */
  #stopped = new Set<string>();
  #checkedMs = 0;

  constructor(
    private readonly orm: MikroORM,
    private readonly http: OutgoingHttp,
    private readonly envelope: SecretEnvelope,
    private readonly rules: DeliveryRules,
  ) {}

  /** @throws Error while a due delivery is late */
  async checkAge(): Promise<void> {
    const { oldestSeconds } = await this.#jobs();
    if (oldestSeconds > lateSeconds) throw new Error(`A delivery has waited ${oldestSeconds} s for an attempt.`);
  }

  onApplicationBootstrap(): void {
    reportJobs(() => this.#jobs());
    this.#loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
    const drained = Promise.all(this.#running);
    await Promise.race([drained, delay(drainMs, undefined, { ref: false })]);
    this.#inFlight.abort(() => true);
    await drained;
  }

  /** Flows and connectors use the same connections until the last of them has stopped. */
  onApplicationShutdown(): void {
    this.http.close();
  }

  /**
   * Aborts the attempts of this process to an endpoint that is disabled or deleted: no byte of them is sent afterwards. Other
   * processes find out by their claims, as `#abortEnded` says.
   */
  stop(endpointId: string): void {
    this.#stopped.add(endpointId);
    this.#inFlight.abort((job) => job.endpointId === endpointId);
  }

  /** Polls at once, because jobs may be due. */
  wake(): void {
    this.#loop.wake();
  }

  /** @returns whether it was idle */
  wakeIfIdle(): boolean {
    return this.#loop.wakeIfIdle();
  }

  async #abortEnded(): Promise<void> {
    const { jobs } = this.#inFlight;
    if (jobs.length === 0 || performance.now() - this.#checkedMs < checkEveryMs) return;
    this.#checkedMs = performance.now();
    const ended = await endedClaims(this.orm.em.fork(), jobs);
    const checked = new Set(jobs);
    this.#inFlight.abort((job) => checked.has(job) && ended.has(job.deliveryId));
  }

  /** @returns false when there is no job at all, not even a later one */
  async #claim(isWoken: boolean): Promise<boolean> {
    const room = this.#inFlight.room(this.#failing.current());
    if (room.total <= 0) return true;
    if (!isWoken && !(await areThereJobs(this.orm.em.fork()))) return false;
    const jobs = await claimJobs(this.orm.em.fork(), room, this.#leaseMs);
    for (const [tenantId, own] of Map.groupBy(jobs, (job) => job.tenantId)) await this.#begin(tenantId, own);
    return true;
  }

  /** A job that cannot start blocks no other, and is retried when its lease ends. */
  async #begin(tenantId: string, jobs: readonly Job[]): Promise<void> {
    let started: Started;
    this.#stopped = new Set();
    try {
      started = await startAttempts(this.orm.em.fork(), tenantId, jobs, this.#inFlight.bytesFor(tenantId));
    } catch (error) {
      if (isConnectionLoss(error)) throw error;
      const [job, ...others] = jobs;
      if (others.length > 0) for (const one of jobs) await this.#begin(tenantId, [one]);
      else if (job) this.#leave(job, error);
      return;
    }
    const left = [...started.left];
    for (const attempt of started.attempts) {
      if (this.#stopped.has(attempt.job.endpointId)) left.push(attempt.job);
      else this.#run(attempt);
    }
    await releaseJobs(this.orm.em.fork(), left);
  }

  #leave({ deliveryId, endpointId }: Job, error: unknown): void {
    this.#failing.note(endpointId, this.#leaseMs);
    this.#logger.warn(`Left delivery ${deliveryId}.`, error);
  }

  get #leaseMs(): number {
    return this.rules.timeoutMs + leaseMarginMs;
  }

  #run(attempt: Attempt): void {
    const signal = this.#inFlight.begin(attempt);
    const run = inSpan(startDelivery(attempt), () => this.#deliver(attempt, signal))
      .catch((error: unknown) => this.#leave(attempt.job, error))
      .finally(() => {
        this.#running.delete(run);
        this.#inFlight.end(attempt);
        this.wake();
      });
    this.#running.add(run);
  }

  async #deliver(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const em = this.orm.em.fork();
    const result = await makeAttempt(this.http, this.envelope, attempt, this.rules, signal);
    if (!result) return releaseJobs(em, [attempt.job]);
    const { record, verdict } = result;
    const { endpointId } = attempt.job;
    if (record.error === undefined || verdict.next === 'DISABLE') this.#failing.forget(endpointId);
    else this.#failing.note(endpointId, verdict.next === 'RETRY' ? Math.max(verdict.waitMs, verdict.holdMs ?? 0) : 0);
    const [event] = attempt.events;
    countAttempt(verdict, attempt.number === 1 && event ? record.startMs - Date.parse(event.time) : undefined);
    const made = { attempt, record };
    if (verdict.next === 'DELIVERED') return this.#received.finish(made);
    await this.#finishing.run(attempt.job.tenantId, () => finishFailed(em, this.envelope, made, verdict));
  }

  async #jobs(): Promise<{ count: number; oldestSeconds: number }> {
    const [row] = await this.orm.em.fork().execute<{ count: number; oldest: number }[]>(
      `select count(*)::int as count, coalesce(
           extract(epoch from clock_timestamp() - min(greatest(job.due_time, hold.hold_until))), 0)::double precision as oldest
       from webhook_job job left join webhook_hold hold on hold.endpoint_id = job.endpoint_id`,
    );
    return { count: row?.count ?? 0, oldestSeconds: Math.max(0, row?.oldest ?? 0) };
  }
}
