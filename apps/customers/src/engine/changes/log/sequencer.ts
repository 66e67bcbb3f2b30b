import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DedicatedConnection } from '@rapport/persistence';
import { WorkerLoop } from '@rapport/platform';
import type { BulkPace } from '../../pace/bulk-pace.js';
import { countDroppedEarly, countSequenced } from './change-metrics.js';
import { traceSequenced } from './trace-sequenced.js';

/**
 * Longest wait for changes of other processes, which do not wake this one: a quarter of the time since the last change
 * was moved, within these bounds, in milliseconds.
 */
const lookAfterMs = { least: 20, most: 1_000 };

/**
 * Pause after a pass that moved changes: twice as long as the pass, within these bounds, in milliseconds. Changes of
 * the pause are moved together, which costs a fraction: each pass takes the lock of the log and reads the audit chain
 * of each tenant.
 */
const pauseMs = { least: 4, most: 20 };

/**
 * Changes per transaction, alone and first beside calls. Beside calls each batch of a pass is twice as large as the one before: every
 * batch looks at all changes that wait, so that small ones would take longer the more wait, and fall behind for good.
 */
const batchSize = { alone: 2_000, beside: 100 };

const retryMs = 200;
const maintainEveryMs = 60_000;

/** Batch size of dropping changes, in time, and as a part of the bytes of the log. */
const partitionSpan = '1 day';
const partitionsOfLimit = 16;

/** A consumer without a heartbeat for this long no longer prevents changes from being dropped. */
const consumerExpiry = '7 days';

/** How long changes are retained. */
export interface ChangeRetention {
  /** Minimum retention in days. */
  days: number;
  /** Bytes of the log above which the oldest changes are dropped before that. */
  mostBytes?: number | undefined;
}

/** A pass over the changes that became visible between two snapshots of one server. */
interface Pass {
  /** The snapshot at its end. */
  snapshot: string;
  /** The connection that ran it. */
  connections: number;
}

interface Moved {
  moved: number;
  last_sequence: string | null;
  snapshot: string;
  ages: number[] | null;
  traces: string[] | null;
}

/**
 * Gives every committed change its position, by moving it from the outbox to the log. Each process of the service runs one
 * sequencer, and none is special: only the holder of a lock in the database moves changes. Each write transaction of this
 * process wakes its sequencer, which also polls for changes of other processes.
 */
export class Sequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('Sequencer');
  readonly #connection: DedicatedConnection;
  /** Each pass returns when the next one is due. */
  readonly #loop = new WorkerLoop({ pass: () => this.#step(), intervalMs: retryMs });
  #pace: BulkPace | undefined;
  /**
   * Everything visible to this snapshot of the current connection's server is in the log. Another server may reuse
   * transaction ids that the snapshot counts as visible.
   */
  #seen: string | null = null;
  /** Number of connections so far. */
  #connections = 0;
  #nextPass = Promise.withResolvers<unknown>();
  #movedAt = 0;
  #maintainedMs = 0;

  /** @param databaseUrl with the app role */
  constructor(
    databaseUrl: string,
    private readonly retention: ChangeRetention,
  ) {
    this.#connection = new DedicatedConnection(databaseUrl, 'rapport-sequencer', {
      onConnect: async (client) => {
        this.#seen = null;
        this.#connections += 1;
        // Before a change gets a position on this server: after a promotion, the log ends where the histories part.
        await client.query('select check_change_log_epoch()');
      },
    });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  /** Runs after the calls that wait for it have completed. */
  async onApplicationShutdown(): Promise<void> {
    const stopped = this.#loop.stop();
    // A running query may take long. It is rolled back, and any process can repeat it.
    await this.#connection.close();
    await stopped;
    this.#nextPass.resolve(new Error('The service stops.'));
  }

  /** Sets the pace of moving many changes at once. */
  setPace(pace: BulkPace): void {
    this.#pace = pace;
  }

  /** Signals that something may have been committed. */
  wake(): void {
    this.#loop.wake();
  }

  /** Resolves when everything committed by now is in the log. @throws what the database throws */
  async caughtUp(): Promise<void> {
    const { promise } = this.#nextPass;
    this.wake();
    const failure = await promise;
    if (failure) throw failure as Error;
  }

  /** @returns the milliseconds until the next pass, unless this process commits something before */
  async #step(): Promise<number> {
    const pass = this.#nextPass;
    this.#nextPass = Promise.withResolvers();
    const began = performance.now();
    try {
      const hasMoved = await this.#pass();
      pass.resolve(undefined);
      await this.#maintain();
      if (hasMoved) {
        this.#movedAt = performance.now();
        await delay(Math.min(Math.max(2 * (this.#movedAt - began), pauseMs.least), pauseMs.most));
      }
      return this.#lookAfterMs();
    } catch (error) {
      // The connection has logged the error. The next pass looks at the whole outbox, since the outcome of this one is unknown.
      this.#seen = null;
      pass.resolve(error);
      throw error;
    }
  }

  #lookAfterMs(): number {
    const quietMs = performance.now() - this.#movedAt;
    return Math.min(Math.max(quietMs / 4, lookAfterMs.least), lookAfterMs.most);
  }

  /** Moves the changes that have become visible since the last pass. @returns whether there were any */
  async #pass(): Promise<boolean> {
    let pass: Pass | undefined;
    let after = '0';
    /** Batches of the pass so far, all of which were full. */
    let full = 0;
    for (;;) {
      const beside = Math.min(batchSize.beside * 2 ** full, batchSize.alone);
      const size = this.#pace?.step(batchSize.alone, beside) ?? batchSize.alone;
      const batch = await this.#keepPace(full, () => this.#move(pass, after, size));
      full += 1;
      pass ??= { snapshot: batch.snapshot, connections: this.#connections };
      countSequenced(batch.ages ?? []);
      traceSequenced(batch.traces ?? []);
      if (batch.moved < size) {
        const hasMoved = after !== '0' || batch.moved > 0;
        this.#seen = pass.snapshot;
        return hasMoved;
      }
      after = batch.last_sequence ?? after;
    }
  }

  /**
   * Runs a batch. The first one of a pass does not wait, since changes are few most of the time. The next one leaves as much room for
   * calls as bulk work does. Further ones rest only as long as they work: all tenants wait for their positions.
   */
  async #keepPace<Result>(full: number, move: () => Promise<Result>): Promise<Result> {
    if (full === 0 || !this.#pace) return move();
    if (full === 1) return this.#pace.keep(move);
    const began = performance.now();
    const result = await move();
    await delay(performance.now() - began);
    return result;
  }

  async #move(pass: Pass | undefined, after: string, most: number): Promise<Moved> {
    const [batch] = await this.#connection.query<Moved>(
      'select moved, last_sequence, snapshot::text, ages, traces from sequence_changes($1, $2, $3, $4)',
      () => {
        if (pass && pass.connections !== this.#connections) throw new Error('The connection of the pass was lost.');
        return [this.#seen, pass?.snapshot ?? null, after, most];
      },
    );
    if (!batch) throw new Error('sequence_changes returns one row.');
    return batch;
  }

  /** Creates partitions for new changes, and drops expired ones. */
  async #maintain(): Promise<void> {
    if (Date.now() - this.#maintainedMs < maintainEveryMs) return;
    this.#maintainedMs = Date.now();
    const { days, mostBytes = null } = this.retention;
    const largest = mostBytes && Math.ceil(mostBytes / partitionsOfLimit);
    await this.#connection.query('select extend_change_log($1::interval, $2)', [partitionSpan, largest]);
    const [row] = await this.#connection.query<{ dropped: number; early: number }>(
      'select dropped, early from drop_old_changes($1::interval, $2::interval, $3)',
      [`${days} days`, consumerExpiry, mostBytes],
    );
    if (!row || row.dropped === 0) return;
    countDroppedEarly(row.early);
    this.#logger.log(`Dropped ${row.dropped} partitions of old changes, ${row.early} of them before their time.`);
  }
}
