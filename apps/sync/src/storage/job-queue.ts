import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AppError, WorkerLoop } from '@rapport/platform';
import { PgBoss, type Db, type Job } from 'pg-boss';
import { idleMs } from './due-work.js';

/** Schema of the tables of pg-boss. */
export const jobSchema = 'pgboss';

const queue = 'sync-run';
const retryMs = 1_000;

/** Time within which pg-boss nearly always stores that a run has ended, in milliseconds. */
const settledMs = 50;

/** Concurrent runs of a process, in all and per tenant: slow peers delay runs of their own tenant only. */
const concurrency = { all: 8, ofTenant: 2 };

/** Interval between polls of workers without a run, in seconds. Notifications and `DueWork` wake them. */
const idleSeconds = idleMs / 1_000;

/** Least interval between two times that `DueWork` wakes a worker, in milliseconds: a run may wait for others of its tenant. */
const wakeEveryMs = 2_000;

/** Interval between searches for runs whose process has died, in milliseconds. */
const superviseEveryMs = 5_000;

/** Connections of the queue, besides the one that listens for notifications. */
const maxConnections = 4;

/**
 * Timeouts in milliseconds, for the pool of pg-boss. It has none: a statement whose answer a network loses would take its worker, and a
 * connection, for good.
 */
const limits = {
  statement_timeout: 8_000,
  query_timeout: 10_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
};

/** A queued run. */
export interface RunJob {
  tenantId: string;
  mappingId: string;
  runId: string;
}

/** Two workers, since pg-boss allows a tenant no more runs than one call of `work` has workers. */
interface RunPair {
  /** Of the first worker, given by pg-boss; undefined while the pair starts. */
  id?: string;
  running: number;
  isEnding: boolean;
}

/** The condition of `DueWork` for runs that no other run of their mapping precedes: above all those that are repeated. */
export const areRunsQueued = `exists (
  select from ${jobSchema}.job waiting
  where name = '${queue}' and state < 'active' and not blocked and start_after <= clock_timestamp() and not exists (
    select from ${jobSchema}.job running
    where running.name = '${queue}' and running.singleton_key = waiting.singleton_key and running.state = 'active'))`;

/** An SQL condition: whether a process executes a run of a mapping, or has died some 10 seconds ago. @param mappingId as SQL */
export function areRunsActive(mappingId: string): string {
  return `exists (
    select from ${jobSchema}.job running
    where running.name = '${queue}' and running.singleton_key = ${mappingId}::text and running.state = 'active')`;
}

/** Executes a queued run. */
export type RunWork = (job: RunJob, signal: AbortSignal) => Promise<void>;

/**
 * The queue of runs, on pg-boss. Runs of one mapping execute one after the other, in any process. When a process dies,
 * another one repeats its runs some 10 seconds later.
 */
export class JobQueue implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('JobQueue');
  readonly #boss: PgBoss;
  /** Starts the queue as soon as its database can be reached, and supervises it from then on. */
  readonly #loop = new WorkerLoop({
    pass: () => (this.#isStarted ? this.#superviseRuns() : this.#start()),
    intervalMs: superviseEveryMs,
    retryMs,
    onOutage: (error) =>
      this.#logger.warn(
        this.#isStarted ? 'Could not look for runs whose process has died.' : 'The queue of runs can not start yet.',
        error,
      ),
  });
  #isStarted = false;
  readonly #pairs = new Set<RunPair>();
  #wokenMs = 0;

  constructor(
    databaseUrl: string,
    private readonly work: RunWork,
  ) {
    this.#boss = new PgBoss({
      connectionString: databaseUrl,
      application_name: 'rapport-jobs',
      schema: jobSchema,
      max: maxConnections,
      ...limits,
      // The owner of the database creates the schema: see CreateJobQueue.
      migrate: false,
      createSchema: false,
      schedule: false,
      // Nothing reads the registry, whose measurements wake an idle process 50 times a second.
      registerInstance: false,
      useListenNotify: true,
      // Only to delete old jobs: `#superviseRuns` does the rest.
      superviseIntervalSeconds: 60,
      // Minimum interval of all processes together. A little less than `superviseEveryMs`, or every second attempt
      // would do nothing.
      monitorIntervalSeconds: 4,
      // No run waits for another one by a dependency, which is what this looks for.
      flowIntervalSeconds: 24 * 60 * 60,
    });
    // A failed call logs its own error too; no other listener handles these events.
    this.#boss.on('error', (error) => this.#logger.warn('pg-boss failed.', error));
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
    // What is under way has heard of it by its signal, and is taken up by another process.
    if (this.#isStarted) await this.#boss.stop({ graceful: true, timeout: 3_000 });
  }

  /**
   * Queues a run in the caller's transaction.
   *
   * @throws AppError UNAVAILABLE while the queue has not started
   */
  async send(job: RunJob, transaction: Db): Promise<void> {
    if (!this.#isStarted) {
      const details = { retryAfterSeconds: 1 };
      throw new AppError('UNAVAILABLE', 'QUEUE_NOT_READY', 'The queue of runs has not started yet.', details);
    }
    await this.#boss.send(queue, job, { db: transaction, singletonKey: job.mappingId, group: { id: job.tenantId } });
  }

  /** Has a waiting worker look for runs. @returns false when one has done so just before, or none waits */
  wakeIfIdle(): boolean {
    const [pair] = this.#waiting();
    if (pair?.id === undefined || performance.now() - this.#wokenMs < wakeEveryMs) return false;
    this.#wokenMs = performance.now();
    this.#boss.notifyWorker(pair.id);
    return true;
  }

  /** @returns no wait before the first search for runs whose process has died: it may have been the one before this. */
  async #start(): Promise<number> {
    await this.#boss.start();
    await this.#boss.createQueue(queue, {
      policy: 'key_strict_fifo',
      heartbeatSeconds: 10,
      expireInSeconds: 12 * 60 * 60,
      retryLimit: 1_000,
      retryDelay: 1,
      deleteAfterSeconds: 60 * 60,
    });
    // A run begins when it is queued. In a queue that was made before, this is not set yet.
    await this.#boss.updateQueue(queue, { notify: true });
    await this.#keepOneWaiting();
    this.#isStarted = true;
    return 0;
  }

  /**
   * Requeues runs whose process has died. pg-boss needs a dozen statements for that, so it is called only while runs
   * are active.
   */
  async #superviseRuns(): Promise<undefined> {
    await this.#keepOneWaiting();
    const active = `select from ${jobSchema}.job where name = $1 and state = 'active' limit 1`;
    const { rows } = await this.#boss.getDb().executeSql(active, [queue]);
    if (rows.length > 0) await this.#boss.supervise(queue, { reindex: false });
    return undefined;
  }

  /**
   * pg-boss wakes every worker for each run that is queued, and each of them asks the database. So there are further ones
   * only while the others have runs.
   */
  async #keepOneWaiting(): Promise<void> {
    if (this.#waiting().length > 0 || this.#pairs.size >= concurrency.all / concurrency.ofTenant) return;
    if (this.#loop.signal.aborted) return;
    const pair: RunPair = { running: 0, isEnding: false };
    this.#pairs.add(pair);
    try {
      pair.id = await this.#boss.work<RunJob>(
        queue,
        {
          // Polling finds runs without a notification: repeated ones, and all while LISTEN fails.
          pollingIntervalSeconds: 0.5,
          notifyPollingIntervalSeconds: idleSeconds,
          localConcurrency: concurrency.ofTenant,
          localGroupConcurrency: concurrency.ofTenant,
        },
        ([job]: Job<RunJob>[]) => this.#do(job, pair),
      );
    } catch (error) {
      this.#pairs.delete(pair);
      throw error;
    }
  }

  /** Pairs with a worker that has no run, or soon has none. */
  #waiting(): RunPair[] {
    return [...this.#pairs].filter(({ running, isEnding }) => running < concurrency.ofTenant && !isEnding);
  }

  async #do(job: Job<RunJob> | undefined, pair: RunPair): Promise<void> {
    pair.running += 1;
    this.#keepOneWaiting().catch((error: unknown) => this.#logger.warn('No worker waits for runs yet.', error));
    try {
      if (job) await this.work(job.data, AbortSignal.any([job.signal, this.#loop.signal]));
    } finally {
      pair.running -= 1;
      // Until then, the run behind this one can not begin.
      setTimeout(() => this.#lookForNext(), settledMs).unref();
    }
  }

  /** Wakes one worker for the run that waited behind another one, and ends pairs that are not needed. */
  #lookForNext(): void {
    const [next, ...others] = this.#waiting();
    if (next?.id !== undefined) this.#boss.notifyWorker(next.id);
    for (const other of others) {
      if (other.running > 0 || other.id === undefined) continue;
      this.#end(other, other.id).catch((error: unknown) => this.#logger.warn('A worker of runs did not end.', error));
    }
  }

  /** A worker that is finding a run ends after it. */
  async #end(pair: RunPair, id: string): Promise<void> {
    pair.isEnding = true;
    await this.#boss.offWork(queue, { id });
    this.#pairs.delete(pair);
    await this.#keepOneWaiting();
  }
}
