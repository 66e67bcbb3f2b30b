import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { WorkerLoop } from '@rapport/platform';
import type { BulkWork } from '../pace/bulk-work.js';
import { delayUnlessAborted } from '../pace/delay-unless-aborted.js';
import {
  claimJob,
  hasFreeJob,
  jobSignal,
  maxAttempts,
  releaseJob,
  renewalMs,
  renewLease,
  deferJob,
  type Job,
} from './operation-jobs.js';
import type { OperationKinds } from './operation-kind.js';
import { OperationTurn } from './operation-turn.js';
import { workOnOperation } from './work-on-operation.js';

/** Operations that one process runs at a time. Each uses a connection and most of a core. */
const maxRunning = 2;

/**
 * Runs the operations of all tenants; each process of the service has one worker. A lease holds a job and is renewed while the
 * process lives, so that another process takes over when it dies. If other jobs wait, the worker releases a job after its turn and
 * takes those of other tenants first. On shutdown it finishes the current steps and releases its jobs.
 */
export class OperationWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('OperationWorker');
  readonly #running = new Map<OperationTurn, Promise<void>>();
  /** Tenants that had a turn in the current round. */
  readonly #served = new Set<string>();
  readonly #loop: WorkerLoop;
  #stopListening = (): void => undefined;

  /** @param pollMs poll interval in milliseconds, for jobs that other processes have enqueued; eight times that after a while */
  constructor(
    private readonly orm: MikroORM,
    private readonly kinds: OperationKinds,
    private readonly bulk: BulkWork,
    pollMs: number,
  ) {
    this.#loop = new WorkerLoop({
      pass: () => this.#look(),
      intervalMs: pollMs,
      quietIntervalMs: 8 * pollMs,
      onOutage: (error) => this.#logger.warn(`Can't look for jobs.`, error),
    });
  }

  onApplicationBootstrap(): void {
    this.#stopListening = jobSignal(this.orm.em).onWake(() => this.#loop.wake());
    this.#loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
    await Promise.all(this.#running.values());
  }

  async #look(): Promise<void> {
    await this.#claim();
    await this.#endTurn();
  }

  async #claim(): Promise<void> {
    while (this.#running.size < maxRunning && !this.#loop.signal.aborted) {
      const job = await this.#nextJob();
      if (!job) return;
      const turn = new OperationTurn(this.bulk.operationTurnMs);
      const run = this.#run({ ...job, turn }, turn).finally(() => {
        this.#running.delete(turn);
        // A slot is free, and the next job of the tenant can start.
        this.#loop.wake();
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

  /** If another operation waits, ends the oldest turn that has used up its time. */
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
      await workOnOperation(em, this.kinds, job, AbortSignal.any([this.#loop.signal, lost.signal, turn.signal]));
    } catch (error) {
      // The lease expires, and the next worker that takes the job tries again.
      this.#logger.warn(`Stopped work on operation ${job.operationId}.`, error);
      lost.abort();
      await keeping;
      if (job.attempts > maxAttempts) await this.#giveBack(job, deferJob);
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

  /** Renews the lease until `end` is aborted. Aborts it when another worker has the job. */
  async #keepLease(job: Job, end: AbortController): Promise<void> {
    let renewed = Date.now();
    for (;;) {
      await delayUnlessAborted(renewalMs, end.signal);
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
