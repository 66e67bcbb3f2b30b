import { setTimeout as wait } from 'node:timers/promises';
import type { OperationTraffic, ServiceStatus, TrafficFrame } from '@rapport/contracts/rapport/edge/v1/traffic_service';
import type { Logger } from '@rapport/platform';
import type { Principal } from '../access/authenticator.js';
import { endOf } from '../calls/call-ends.js';
import { windowSeconds, type Charge } from '../limits/plans.js';
import { inSeconds, type RateLimits } from '../limits/rate-limits.js';
import { RedisUnavailable, type RedisLink } from '../redis/redis.js';
import { latencyBoundsMs } from './latency-buckets.js';
import { RedisTraffic, slotMs } from './redis-traffic.js';
import { sumOf, TenantTraffic } from './tenant-traffic.js';

/** How long after the end of a slot edges exchange their figures, in milliseconds. */
const exchangeDelayMs = 50;

export interface TrafficParts {
  /** The Redis that all edges share. Absent when this edge is the only one. */
  redis: RedisLink | undefined;
  rates: RateLimits;
  services: () => ServiceStatus[];
  logger: Logger;
}

/** The common part of the frames of a tenant's watchers. */
type Figures = Pick<TrafficFrame, 'time' | 'durationMs' | 'partial' | 'operations'>;

/**
 * The requests of the tenants that are watched, at this edge or at another. Most tenants are not, and counting a request of
 * theirs is one lookup. The open watches, which take places, bound the memory.
 */
export class Traffic {
  /** Where to count the requests of the tenants that are watched. Read for each request, so it is no method. */
  readonly watched = new Map<string, TenantTraffic>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #shared: RedisTraffic | undefined;
  readonly #closed = new AbortController();
  /** Of the last frames. */
  #endedAt = performance.now();

  constructor(private readonly parts: TrafficParts) {
    this.#shared = parts.redis && new RedisTraffic(parts.redis);
    void this.#run();
  }

  /** The frames of the caller's tenant. Ends at the deadline; throws the reason of the signal. */
  async *watch(
    principal: Principal,
    { signal, deadlineMs }: { signal: AbortSignal; deadlineMs: number },
  ): AsyncGenerator<TrafficFrame, void> {
    const { tenantId } = principal.caller;
    const watcher = new Watcher();
    const watchers = this.#watchers.get(tenantId) ?? new Set();
    this.#watchers.set(tenantId, watchers.add(watcher));
    if (!this.watched.has(tenantId)) this.watched.set(tenantId, new TenantTraffic());
    const end = () => watcher.end();
    const timer = setTimeout(end, deadlineMs);
    signal.addEventListener('abort', end);
    this.#closed.signal.addEventListener('abort', end);
    try {
      for (let figures = await watcher.next(); figures; figures = await watcher.next()) {
        const charge = await this.parts.rates.left(principal);
        if (signal.aborted) break;
        yield { ...figures, ...this.#state(), budgets: budgetsOf(charge) };
      }
      if (signal.aborted) throw endOf(signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      this.#closed.signal.removeEventListener('abort', end);
      watchers.delete(watcher);
      // Other edges may have watchers: with Redis the next exchange decides.
      if (watchers.size === 0) this.#watchers.delete(tenantId);
      if (watchers.size === 0 && !this.#shared) this.watched.delete(tenantId);
    }
  }

  close(): void {
    this.#closed.abort();
  }

  #state(): Pick<TrafficFrame, 'latencyBoundsMs' | 'services'> {
    return { latencyBoundsMs: [...latencyBoundsMs], services: this.parts.services() };
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    for (let waitMs = slotMs; ;) {
      await wait(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const own = this.#take();
      waitMs = this.#shared ? await this.#exchange(this.#shared, own) : this.#deliverOwn(own, false);
    }
  }

  #take(): Map<string, OperationTraffic[]> {
    const taken = new Map<string, OperationTraffic[]>();
    for (const [tenantId, traffic] of this.watched) {
      const operations = traffic.take();
      if (operations.length > 0) taken.set(tenantId, operations);
    }
    return taken;
  }

  /** @returns how long to wait for the next exchange, in milliseconds */
  async #exchange(shared: RedisTraffic, own: Map<string, OperationTraffic[]>): Promise<number> {
    try {
      const { nowMs, slots, watched, figures } = await shared.exchange([...this.#watchers.keys()], own);
      this.#countOnly(watched);
      this.#endedAt = performance.now();
      const time = new Date(nowMs - (nowMs % slotMs)).toISOString();
      if (slots > 0) this.#deliver(figures, { time, durationMs: slots * slotMs, partial: false });
      return slotMs - (nowMs % slotMs) + exchangeDelayMs;
    } catch (error) {
      // The link logs an outage of Redis once.
      if (!(error instanceof RedisUnavailable)) this.parts.logger.warn({ err: error }, 'Redis did not add up traffic');
      return this.#deliverOwn(own, true);
    }
  }

  /** @returns how long to wait for the next frame, in milliseconds */
  #deliverOwn(own: ReadonlyMap<string, OperationTraffic[]>, partial: boolean): number {
    const now = performance.now();
    const durationMs = Math.round(now - this.#endedAt);
    this.#endedAt = now;
    this.#deliver(own, { time: new Date().toISOString(), durationMs, partial });
    return slotMs;
  }

  #deliver(
    figures: ReadonlyMap<string, readonly OperationTraffic[]>,
    frame: Pick<Figures, 'time' | 'durationMs' | 'partial'>,
  ): void {
    for (const [tenantId, watchers] of this.#watchers) {
      const operations = sumOf(figures.get(tenantId) ?? []);
      for (const watcher of watchers) watcher.add({ ...frame, operations }, this.#shared === undefined);
    }
  }

  /** Another edge may have begun, or ended, to watch a tenant. */
  #countOnly(watched: readonly string[]): void {
    const wanted = new Set([...watched, ...this.#watchers.keys()]);
    for (const tenantId of this.watched.keys()) if (!wanted.has(tenantId)) this.watched.delete(tenantId);
    for (const tenantId of wanted) {
      if (!this.watched.has(tenantId)) this.watched.set(tenantId, new TenantTraffic());
    }
  }
}

/** One watch. The frames that its client has not read yet become one. */
class Watcher {
  readonly #beganAt = performance.now();
  #pending: Figures | undefined;
  #isEnded = false;
  #wake: () => void = () => undefined;

  /** @param isOfNow true when the frame ends now: it began with the watch at the earliest */
  add(figures: Figures, isOfNow: boolean): void {
    const watchedMs = isOfNow ? Math.ceil(performance.now() - this.#beganAt) : Infinity;
    const frame = { ...figures, durationMs: Math.min(figures.durationMs, watchedMs) };
    this.#pending = this.#pending ? united(this.#pending, frame) : frame;
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** @returns undefined at the end */
  async next(): Promise<Figures | undefined> {
    while (!this.#pending && !this.#isEnded) await new Promise<void>((resolve) => (this.#wake = resolve));
    const figures = this.#isEnded ? undefined : this.#pending;
    this.#pending = undefined;
    return figures;
  }
}

function united(earlier: Figures, later: Figures): Figures {
  return {
    time: later.time,
    durationMs: earlier.durationMs + later.durationMs,
    partial: earlier.partial || later.partial,
    operations: sumOf([...earlier.operations, ...later.operations]),
  };
}

function budgetsOf({ plan, keyLeft, keyResetMs, tenantLeft, tenantResetMs }: Charge): TrafficFrame['budgets'] {
  const resetSeconds = (ms: number) => Math.min(windowSeconds, inSeconds(ms));
  return {
    key: { units: plan.keyUnits, unitsLeft: keyLeft, resetSeconds: resetSeconds(keyResetMs) },
    workspace: { units: plan.tenantUnits, unitsLeft: tenantLeft, resetSeconds: resetSeconds(tenantResetMs) },
  };
}
