import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import type { BulkWork } from '../pace/bulk-work.js';
import {
  claimJob,
  hasFreeJob,
  jobSignal,
  maxAttempts,
  releaseJob,
  renewalMs,
  renewLease,
  shelveJob,
  type Job,
} from './operation-jobs.js';
import type { OperationKinds } from './operation-kind.js';
import { OperationTurn } from './operation-turn.js';
import { workOnOperation } from './work-on-operation.js';

/** Operations that one process works on at a time. Each takes a connection, and most of a core. */
const maxRunning = 2;

/**
 * Works on the operations of all tenants, in each process of the service. A job is held by a lease that is renewed while
 * the process lives, so that another one goes on when it dies. While others wait it is given back after a turn, and those of other
 * tenants come first. When told to stop it finishes the steps at hand and gives its jobs back.
 */
export class OperationWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('OperationWorker');
  readonly #stopping = new AbortController();
  readonly #running = new Map<OperationTurn, Promise<void>>();
  /** Tenants that have had a turn since all that waited had one. */
  readonly #served = new Set<string>();
  #looking: Promise<void> | undefined;
  #isAway = false;

  /** @param lookEveryMs how long a job waits at most of which nobody told this process */
  constructor(
    private readonly orm: MikroORM,
    private readonly kinds: OperationKinds,
    private readonly bulk: BulkWork,
    private readonly lookEveryMs: number,
  ) {}

  onApplicationBootstrap(): void {
    this.#looking = this.#look();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
    await Promise.all(this.#running.values());
  }

  async #look(): Promise<void> {
    const signal = jobSignal(this.orm.em);
    while (!this.#stopping.signal.aborted) {
      // From before the look, which does not see what is committed during it.
      const woken = signal.sleep(this.lookEveryMs, this.#stopping.signal);
      try {
        await this.#claim();
        await this.#endTurn();
        this.#isAway = false;
      } catch (error) {
        // Said once: while the database is away, it is away at every look.
        if (!this.#isAway) this.#logger.warn(`Can't look for jobs.`, error);
        this.#isAway = true;
      }
      await woken;
    }
  }

  async #claim(): Promise<void> {
    while (this.#running.size < maxRunning && !this.#stopping.signal.aborted) {
      const job = await this.#nextJob();
      if (!job) return;
      const turn = new OperationTurn(this.bulk.operationTurnMs);
      const run = this.#run({ ...job, turn }, turn).finally(() => {
        this.#running.delete(turn);
        // There is room for another job, and the next one of the tenant has its turn.
        jobSignal(this.orm.em).wake();
      });
      this.#running.set(turn, run);
    }
  }

  async #nextJob(): Promise<Job | undefined> {
    const job = await claimJob(this.orm.em.fork(), [...this.#served]);
    if (job || this.#served.size === 0) return job;
    this.#served.clear();
    return claimJob(this.orm.em.fork());
  }

  /** When another operation is waiting, ends the oldest turn that has used up its time. */
  async #endTurn(): Promise<void> {
    if (this.#running.size < maxRunning) return;
    const [turn] = [...this.#running.keys()]
      .filter(({ isOver }) => isOver)
      .sort((one, other) => one.began - other.began);
    if (turn && (await hasFreeJob(this.orm.em.fork()))) turn.end();
  }

  async #run(job: Job, turn: OperationTurn): Promise<void> {
    const lost = new AbortController();
    const keeping = this.#keepLease(job, lost);
    const em = this.orm.em.fork({ session: tenantSession(job.tenantId) });
    try {
      await workOnOperation(em, this.kinds, job, AbortSignal.any([this.#stopping.signal, lost.signal, turn.signal]));
    } catch (error) {
      // The lease ends by itself, and whoever takes the job then tries again.
      this.#logger.warn(`Left operation ${job.operationId}.`, error);
      lost.abort();
      await keeping;
      if (job.attempts > maxAttempts) await this.#giveBack(job, shelveJob);
      return;
    }
    lost.abort();
    await keeping;
    if (turn.signal.aborted) this.#served.add(job.tenantId);
    await this.#giveBack(job, releaseJob);
  }

  async #giveBack(job: Job, how: typeof releaseJob): Promise<void> {
    await how(this.orm.em.fork(), job).catch((error: unknown) =>
      this.#logger.warn(`Could not release operation ${job.operationId}.`, error),
    );
  }

  /** Until `end`, which it brings about itself when the job is another's. */
  async #keepLease(job: Job, end: AbortController): Promise<void> {
    let renewed = Date.now();
    for (;;) {
      await pause(renewalMs, end.signal);
      if (end.signal.aborted) return;
      try {
        if (await renewLease(this.orm.em.fork(), job)) renewed = Date.now();
        else end.abort();
      } catch (error) {
        this.#logger.warn(`Could not renew the lease of operation ${job.operationId}.`, error);
        if (Date.now() - renewed > 3 * renewalMs) end.abort();
      }
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
