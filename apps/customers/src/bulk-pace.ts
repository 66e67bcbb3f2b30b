import { setImmediate as letOthersWork, setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';

/** Connections that calls take per second at which bulk work leaves half of the time to them, and so on in proportion. */
const busyRate = 60;

/** Longest rest, as a multiple of the work before it: bulk work goes on beside any number of calls. */
const mostRest = 4;

/** Calls that came this long ago count a third of those that come now, in milliseconds. */
const memoryMs = 500;

/** How long a step waits at most for another one, in milliseconds. */
const longestWaitMs = 50;

const knownTraffic = new WeakMap<Pool, Traffic>();

/**
 * The pace of bulk work: as fast as it goes while nobody else works; beside the calls of this process one small step after
 * the other, with rests between that are the longer the more calls there are. So a call waits for a processor for no longer
 * than a step takes, and another processor is free meanwhile.
 */
export class BulkPace {
  private constructor(private readonly traffic: Traffic) {}

  static async of(em: EntityManager): Promise<BulkPace> {
    const pool = await em.getConnection().getNativeClient();
    let traffic = knownTraffic.get(pool);
    if (!traffic) knownTraffic.set(pool, (traffic = new Traffic(pool)));
    return new BulkPace(traffic);
  }

  /** The size of the next step: `alone`, or `beside` calls. */
  step(alone: number, beside: number): number {
    return this.#isAlone ? alone : beside;
  }

  /** Does a step in the database when no other step is under way there, and then rests. */
  async keep<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isAlone) return work();
    const before = this.traffic.step;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.traffic.step = promise;
    // The step before may wait for a lock that only our transaction gives back.
    await Promise.race([before, delay(longestWaitMs)]);
    const began = performance.now();
    try {
      return await work();
    } finally {
      await this.rest(performance.now() - began);
      resolve();
    }
  }

  /** Gives way after some work, at least for a turn of the event loop. */
  async rest(workedMs: number): Promise<void> {
    const restMs = workedMs * this.#restPerWork;
    if (restMs < 1) await letOthersWork();
    else await delay(restMs);
  }

  get #isAlone(): boolean {
    return this.#restPerWork < 0.05;
  }

  get #restPerWork(): number {
    return Math.min(mostRest, this.traffic.perSecond() / busyRate);
  }
}

/** How often connections were taken from a pool of late. */
class Traffic {
  /** Ends with the last step of bulk work that has begun or waits to. */
  step: Promise<void> = Promise.resolve();
  #sum = 0;
  #at = performance.now();

  constructor(pool: Pool) {
    pool.on('acquire', () => {
      this.#fade();
      this.#sum += 1;
    });
  }

  perSecond(): number {
    this.#fade();
    return (this.#sum / memoryMs) * 1_000;
  }

  #fade(): void {
    const now = performance.now();
    this.#sum *= Math.exp((this.#at - now) / memoryMs);
    this.#at = now;
  }
}
