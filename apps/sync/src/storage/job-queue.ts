import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AppError, WorkerLoop } from '@rapport/platform';
import { PgBoss, type Db, type Job } from 'pg-boss';

/** Where the tables of pg-boss are. */
export const jobSchema = 'pgboss';

const queue = 'sync-run';
const retryMs = 1_000;

/** Within which a run that has ended is written down as ended, nearly always, in milliseconds. */
const settledMs = 50;

/** Runs that one process works on at a time, in all and of one tenant: peers that answer slowly hold up those of their tenant only. */
const concurrency = { all: 8, ofTenant: 2 };

/** Every worker looks for a run when one is announced. Besides, some poll often, and the others in case all of these are busy. */
const lookers = { count: 2, lookEverySeconds: 2 };
const othersLookEverySeconds = 10;

/** How often the process looks for runs whose process has died, in milliseconds. */
const superviseEveryMs = 5_000;

/** Connections that the queue itself uses, besides one by which it hears of runs that were queued. */
const maxConnections = 4;

/** A run that is to be done. */
export interface RunJob {
  tenantId: string;
  mappingId: string;
  runId: string;
}

/** Works on the runs that are queued. */
export type RunWork = (job: RunJob, signal: AbortSignal) => Promise<void>;

/**
 * The queue of runs, on pg-boss. Those of one mapping are done one after the other, whichever process does them; one whose process has
 * died is done again some 10 seconds later.
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
  /** Of the workers it is the one that pg-boss gives a name to wake it by. */
  #firstWorker: string | undefined;

  constructor(
    databaseUrl: string,
    private readonly work: RunWork,
  ) {
    this.#boss = new PgBoss({
      connectionString: databaseUrl,
      application_name: 'rapport-jobs',
      schema: jobSchema,
      max: maxConnections,
      // The owner of the database does that: see CreateJobQueue.
      migrate: false,
      createSchema: false,
      schedule: false,
      useListenNotify: true,
      // Only to delete old jobs: `#superviseRuns` does the rest.
      superviseIntervalSeconds: 60,
      // At most so often, for all processes together: a little less than `superviseEveryMs`, or every second attempt would do nothing.
      monitorIntervalSeconds: 4,
    });
    // Said where a call fails, too: nothing listens for events but this.
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
   * Queues a run, in the transaction that it follows from.
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

  async #start(): Promise<void> {
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
    this.#firstWorker = await this.#startWorkers(lookers.count, lookers.lookEverySeconds);
    await this.#startWorkers(concurrency.all - lookers.count, othersLookEverySeconds);
    this.#isStarted = true;
  }

  /**
   * Queues runs again whose process has died. pg-boss takes a dozen statements for that, so it is called only while runs are
   * active.
   */
  async #superviseRuns(): Promise<void> {
    const underWay = `select from ${jobSchema}.job where name = $1 and state = 'active' limit 1`;
    const { rows } = await this.#boss.getDb().executeSql(underWay, [queue]);
    if (rows.length > 0) await this.#boss.supervise(queue, { reindex: false });
  }

  /** @returns the name of the first one */
  #startWorkers(count: number, lookEverySeconds: number): Promise<string> {
    return this.#boss.work<RunJob>(
      queue,
      {
        // Polling finds runs that are not announced: those that are done again, and all of them while LISTEN fails.
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: lookEverySeconds,
        localConcurrency: count,
        localGroupConcurrency: concurrency.ofTenant,
      },
      ([job]: Job<RunJob>[]) => this.#do(job).finally(() => this.#lookForNext()),
    );
  }

  /** Has a worker look for the run that waited for this one, once pg-boss has written down that it is done. */
  #lookForNext(): void {
    setTimeout(() => this.#firstWorker && this.#boss.notifyWorker(this.#firstWorker), settledMs).unref();
  }

  async #do(job: Job<RunJob> | undefined): Promise<void> {
    if (job) await this.work(job.data, AbortSignal.any([job.signal, this.#loop.signal]));
  }
}
