import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { inSpan } from '@rapport/platform';
import type { OutgoingHttp } from '../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../secrets/secret-envelope.js';
import { claimJobs } from './claim-jobs.js';
import { FailingEndpoints } from './failing-endpoints.js';
import { finishAttempt, releaseJob } from './finish-attempt.js';
import { makeAttempt, type DeliveryRules } from './make-attempt.js';
import { startAttempts, type Attempt } from './start-attempts.js';
import { startDelivery } from './trace-delivery.js';
import { countAttempt, reportJobs } from './webhook-metrics.js';

/** Attempts under way in this process. Each takes a socket and little else. */
const maxUnderWay = 1_024;

/** Of one endpoint, and of one whose last attempt has failed: what hangs is not to hold more than a few. */
const perEndpoint = { well: 16, failing: 2 };

/** How often it is looked for jobs that nobody has told of, in milliseconds. */
const lookEveryMs = 250;

/** What an attempt may take besides the request itself, in milliseconds. */
const leaseMarginMs = 5_000;

/** How long attempts may go on when the process is told to end, in milliseconds. */
const drainMs = 4_000;

/**
 * Makes the attempts of all tenants, in each process of the service. What a process has claimed when it dies is due again
 * when the lease of the claim ends.
 */
export class Dispatcher implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('Dispatcher');
  readonly #stopping = new AbortController();
  readonly #cutOff = new AbortController();
  readonly #underWay = new Map<string, number>();
  readonly #failing = new FailingEndpoints();
  readonly #running = new Set<Promise<void>>();
  #looking: Promise<void> | undefined;
  #isWanted = false;
  #wake = (): void => undefined;
  #isAway = false;

  constructor(
    private readonly orm: MikroORM,
    private readonly http: OutgoingHttp,
    private readonly envelope: SecretEnvelope,
    private readonly rules: DeliveryRules,
  ) {}

  onApplicationBootstrap(): void {
    reportJobs(() => this.#jobs());
    this.#looking = this.#look();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#looking;
    const drained = Promise.all(this.#running);
    await Promise.race([drained, delay(drainMs, undefined, { ref: false })]);
    this.#cutOff.abort();
    await drained;
    this.http.close();
  }

  /** Something may be due. */
  wake(): void {
    this.#isWanted = true;
    this.#wake();
  }

  async #look(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#isWanted = false;
      await this.#claim();
      if (!this.#isWanted && !this.#stopping.signal.aborted) await this.#sleep();
    }
  }

  async #sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, lookEveryMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  async #claim(): Promise<void> {
    const total = maxUnderWay - this.#running.size;
    if (total <= 0) return;
    try {
      const failing = this.#failing.current();
      const busy = new Map(
        [...new Set([...this.#underWay.keys(), ...failing])].map((id) => [id, this.#roomOf(id, failing.has(id))]),
      );
      const leaseMs = this.rules.timeoutMs + leaseMarginMs;
      const jobs = await claimJobs(this.orm.em.fork(), { total, perEndpoint: perEndpoint.well, busy }, leaseMs);
      const tenants = Map.groupBy(jobs, ({ tenantId }) => tenantId);
      for (const [tenantId, own] of tenants) {
        for (const attempt of await startAttempts(this.orm.em.fork(), tenantId, own)) this.#run(attempt);
      }
      this.#isAway = false;
    } catch (error) {
      // Said once: while the database is away, it is away at every look. What was claimed is due again when its lease ends.
      if (!this.#isAway) this.#logger.warn("Can't look for deliveries.", error);
      this.#isAway = true;
    }
  }

  #roomOf(endpointId: string, isFailing: boolean): number {
    const most = isFailing ? perEndpoint.failing : perEndpoint.well;
    return Math.max(0, most - (this.#underWay.get(endpointId) ?? 0));
  }

  #run(attempt: Attempt): void {
    const { endpointId } = attempt.job;
    this.#underWay.set(endpointId, (this.#underWay.get(endpointId) ?? 0) + 1);
    const run = inSpan(startDelivery(attempt), () => this.#deliver(attempt))
      .catch((error: unknown) => this.#logger.warn(`Left delivery ${attempt.job.deliveryId}.`, error))
      .finally(() => {
        this.#running.delete(run);
        const others = (this.#underWay.get(endpointId) ?? 1) - 1;
        if (others === 0) this.#underWay.delete(endpointId);
        else this.#underWay.set(endpointId, others);
        this.wake();
      });
    this.#running.add(run);
  }

  async #deliver(attempt: Attempt): Promise<void> {
    const em = this.orm.em.fork();
    const result = await makeAttempt(this.http, this.envelope, attempt, this.rules, this.#cutOff.signal);
    if (!result) return releaseJob(em, attempt.job);
    const { record, verdict } = result;
    const { endpointId } = attempt.job;
    if (record.error === undefined || verdict.next === 'DISABLE') this.#failing.forget(endpointId);
    else this.#failing.note(endpointId, verdict.next === 'RETRY' ? verdict.waitMs : 0);
    const [event] = attempt.events;
    countAttempt(verdict, attempt.number === 1 && event ? record.startMs - Date.parse(event.time) : undefined);
    await finishAttempt(em, this.envelope, attempt, record, verdict);
  }

  async #jobs(): Promise<{ count: number; oldestSeconds: number }> {
    const [row] = await this.orm.em.fork().execute<{ count: number; oldest: number }[]>(
      `select count(*)::int as count,
         coalesce(extract(epoch from clock_timestamp() - min(due_time)), 0)::double precision as oldest
       from webhook_job`,
    );
    return { count: row?.count ?? 0, oldestSeconds: Math.max(0, row?.oldest ?? 0) };
  }
}
