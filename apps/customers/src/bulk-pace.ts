import { setImmediate as letOthersWork } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';

/** Calls per second at which bulk work leaves half of the time to them, and so on in proportion. */
const busyRate = 60;

/** Longest rest, as a multiple of the work before it: bulk work goes on beside any number of calls. */
const mostRest = 8;

/** Longest rest in milliseconds: a step that took so long that it would rest for longer has waited for a lock or a connection. */
const longestRestMs = 1_000;

/** Up to here, that is 24 calls a second, bulk work counts as alone: who watches how it goes on does not slow it down. */
const mostRestAlone = 0.4;

/** Calls that came this long ago count a third of those that come now, in milliseconds. */
const memoryMs = 500;

/** How long a step waits at most for another one, in milliseconds. */
const longestWaitMs = 50;

const knownTraffic = new WeakMap<object, Traffic>();

/**
 * The pace of bulk work: as fast as it goes while nobody else works; beside the calls of this process one small step after
 * the other, with rests between that are the longer the more calls there are. So a call waits for a processor for no longer
 * than a step takes, and another processor is free meanwhile.
 */
export class BulkPace {
  private constructor(private readonly traffic: Traffic) {}

  /** The one pace of all bulk work on a database in this process. */
  static of(em: EntityManager): BulkPace {
    const connection = em.getConnection();
    let traffic = knownTraffic.get(connection);
    if (!traffic) knownTraffic.set(connection, (traffic = new Traffic()));
    return new BulkPace(traffic);
  }

  /** A call has come. */
  noteCall(): void {
    this.traffic.note();
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
    const restMs = Math.min(longestRestMs, workedMs * this.#restPerWork);
    if (restMs < 1) await letOthersWork();
    else await delay(restMs);
  }

  get #isAlone(): boolean {
    return this.#restPerWork < mostRestAlone;
  }

  get #restPerWork(): number {
    return Math.min(mostRest, this.traffic.perSecond() / busyRate);
  }
}

/** Longest part of a call's work that other calls wait for, in milliseconds. */
const longestTurnMs = 4;

/** Splits the work of one call into turns of the event loop, so that other calls wait for a turn and not for all of it. */
export class Turns {
  #endsAt = performance.now() + longestTurnMs;

  /** Whether a turn has lasted for so long that the next piece of work belongs to another one. */
  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** Begins another turn once calls that wait have had theirs. */
  async next(): Promise<void> {
    await letOthersWork();
    this.#endsAt = performance.now() + longestTurnMs;
  }

  async map<Item, Result>(items: readonly Item[], work: (item: Item, index: number) => Result): Promise<Result[]> {
    const results: Result[] = [];
    for (const [index, item] of items.entries()) {
      if (this.isOver) await this.next();
      results.push(work(item, index));
    }
    return results;
  }
}

/** How many calls have come of late. */
class Traffic {
  /** Ends with the last step of bulk work that has begun or waits to. */
  step: Promise<void> = Promise.resolve();
  #sum = 0;
  #at = performance.now();

  note(): void {
    this.#fade();
    this.#sum += 1;
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

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
