import { setImmediate as letOthersWork } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';

/**
 * Calls per second of other tenants, and of the same tenant, at which bulk work pauses for as long as it works; the
 * pause grows in proportion. Calls of other tenants weigh more, since they did not start the bulk work.
 */
const busyRate = { others: 15, own: 60 };

/** Longest pause, as a multiple of the work before it, so that no load stops bulk work. */
const mostRest = 8;

/** Longest pause in milliseconds: a step so long that it would exceed this has waited for a lock or a connection. */
const longestPauseMs = 1_000;

/** Calls per second below which bulk work counts as alone: polls of its progress do not slow it down. */
const aloneRate = 24;

/** Time constant of the rate: calls this long ago count a third of current ones, in milliseconds. */
const memoryMs = 500;

/** Most tenants whose calls are counted separately. */
const mostCounted = 1_000;

/** Longest time that a step waits for another one, in milliseconds. */
const longestWaitMs = 50;

const knownTraffic = new WeakMap<object, Traffic>();

/**
 * Throttles bulk work. Without other calls in this process it runs at full speed. Beside calls it runs one small step
 * at a time, with pauses that grow with the rate of calls. So a call waits at most for one step, and bulk work uses at
 * most one processor.
 */
export class BulkPace {
  private constructor(
    private readonly traffic: Traffic,
    private readonly tenantId: string,
  ) {}

  /**
   * The pace of a tenant's bulk work on a database in this process.
   *
   * @param tenantId by default that of the current call; work without a tenant has a pace of its own
   */
  static of(em: EntityManager, tenantId = callContext.getStore()?.caller?.tenantId ?? ''): BulkPace {
    const connection = em.getConnection();
    let traffic = knownTraffic.get(connection);
    if (!traffic) knownTraffic.set(connection, (traffic = new Traffic()));
    return new BulkPace(traffic, tenantId);
  }

  /** Counts a call of the tenant. */
  noteCall(): void {
    this.traffic.note(this.tenantId);
  }

  /** The size of the next step: `alone`, or `beside` calls. */
  step(alone: number, beside: number): number {
    return this.#isAlone ? alone : beside;
  }

  /**
   * Resolves after the pause of the tenant's bulk work. Call it before beginning a transaction, so that no lock is held
   * meanwhile.
   */
  rested(): Promise<void> {
    return this.traffic.pauseOf(this.tenantId);
  }

  /** Runs a step in the database when no other step is running there. The tenant's next step begins after a pause. */
  async keep<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isAlone) return work();
    await this.rested();
    const before = this.traffic.step;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.traffic.step = promise;
    // The previous step may wait for a lock that our own transaction holds.
    await Promise.race([before, delay(longestWaitMs)]);
    // The running step may have been the tenant's own, and have ended meanwhile.
    await this.rested();
    const began = performance.now();
    try {
      return await work();
    } finally {
      const rest = this.rest(performance.now() - began);
      this.traffic.setRest(this.tenantId, rest);
      void rest.then(resolve);
    }
  }

  /** Pauses after some work, at least for one turn of the event loop. */
  async rest(workedMs: number): Promise<void> {
    const pauseMs = Math.min(longestPauseMs, workedMs * this.#pausePerWork);
    if (pauseMs < 1) await letOthersWork();
    else await delay(pauseMs);
  }

  get #isAlone(): boolean {
    return this.traffic.perSecond() < aloneRate;
  }

  get #pausePerWork(): number {
    const own = this.traffic.perSecondOf(this.tenantId);
    const others = Math.max(0, this.traffic.perSecond() - own);
    return Math.min(mostRest, others / busyRate.others + own / busyRate.own);
  }
}

/** Longest part of a call's work that delays other calls, in milliseconds. */
const longestTurnMs = 4;

/**
 * Splits the work of one call into turns of the event loop, so that other calls wait for a turn and not for all of it.
 */
export class Turns {
  #endsAt = performance.now() + longestTurnMs;

  /** Whether a turn has lasted so long that the next piece of work belongs to another one. */
  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** Begins another turn after waiting calls have had theirs. */
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

/** The recent rate of calls to a database in this process, and its current bulk work. */
class Traffic {
  /** Resolves after the last running or waiting step of bulk work, and the pause after it. */
  step: Promise<void> = Promise.resolve();
  readonly #all = new FadingCount();
  readonly #byTenant = new Map<string, FadingCount>();
  readonly #rests = new Map<string, Promise<void>>();

  note(tenantId: string): void {
    this.#all.note();
    let own = this.#byTenant.get(tenantId);
    if (!own) {
      this.#forgetQuiet();
      this.#byTenant.set(tenantId, (own = new FadingCount()));
    }
    own.note();
  }

  perSecond(): number {
    return this.#all.perSecond();
  }

  perSecondOf(tenantId: string): number {
    return this.#byTenant.get(tenantId)?.perSecond() ?? 0;
  }

  /** Resolves after the pause of the tenant's bulk work. */
  async pauseOf(tenantId: string): Promise<void> {
    await this.#rests.get(tenantId);
  }

  setRest(tenantId: string, rest: Promise<void>): void {
    this.#rests.set(tenantId, rest);
    void rest.then(() => {
      if (this.#rests.get(tenantId) === rest) this.#rests.delete(tenantId);
    });
  }

  /** Drops tenants with less than one call per second when too many are counted. */
  #forgetQuiet(): void {
    if (this.#byTenant.size < mostCounted) return;
    for (const [tenantId, count] of this.#byTenant) if (count.perSecond() < 1) this.#byTenant.delete(tenantId);
    if (this.#byTenant.size >= mostCounted) this.#byTenant.clear();
  }
}

class FadingCount {
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
