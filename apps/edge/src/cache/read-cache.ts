import { AppError } from '@rapport/platform';
import type { CacheStatus, ForwardReason } from './answer-headers.js';
import type { CachedRoute } from './cached-route.js';
import { FairStore } from './fair-store.js';
import type { Floors } from './floors.js';
import { KeptAnswer, type Loaded } from './kept-answer.js';
import { Flight } from './flight.js';
import type { SharedAnswers } from './shared-answers.js';
import type { Sight } from './sight.js';

/** A read, as far as the cache needs to know it. */
export interface CacheRequest {
  route: CachedRoute;
  tenantId: string;
  key: string;
  /** The request message, which the tags are read from. */
  message: Record<string, unknown>;
  /** No answer whose load began earlier is good enough. By `performance.now()`; -Infinity when any is. */
  notBefore: number;
  /** How long its answer may take, in milliseconds. */
  leftMs: number;
}

export interface Read {
  kept: KeptAnswer;
  status: CacheStatus;
}

/**
 * Asks the service, with the whole deadline of the method: requests that join may have more time left than the first one. The
 * signal aborts when no request waits any longer.
 */
export type Load = (signal: AbortSignal) => Promise<Loaded>;

/** The place of an answer among those of its tenant. Who has other rights has other answers. */
export function cacheKey(rights: string, url: string): string {
  return `${rights}${url}`;
}

/**
 * Answers of reads in the memory of this process. What is given is never older than a write that was acknowledged before
 * the read began: see Floors for writes that this process knows of, and Sight for those of others.
 */
export class ReadCache {
  readonly #store: FairStore<KeptAnswer>;
  readonly #flights = new Map<string, Flight>();

  /** @param maxBytes of memory for answers, about */
  constructor(
    maxBytes: number,
    private readonly floors: Floors,
    private readonly sight: Sight,
    private readonly shared: SharedAnswers | undefined,
  ) {
    this.#store = new FairStore(maxBytes);
  }

  /** A fresh answer that may be given at once. Never a refusal. */
  find(tenantId: string, key: string, now: number, notBefore: number): KeptAnswer | undefined {
    const kept = this.#store.get(tenantId, key);
    return kept?.content !== undefined && this.#isGood(kept, now, notBefore) ? kept : undefined;
  }

  /**
   * Answers from memory, or else from the load that is under way for the same key or a new one.
   *
   * @param signal says that the reader has gone
   * @throws AppError what the service refuses the read with, or why it can't be asked
   */
  async read(request: CacheRequest, load: Load, signal: AbortSignal): Promise<Read> {
    const { tenantId, key, notBefore } = request;
    const now = performance.now();
    const kept = this.#store.get(tenantId, key);
    if (kept && this.#isGood(kept, now, notBefore)) return { kept, status: { kind: 'hit' } };
    const reason = this.#forwardReason(request, kept, now);
    if (kept && !kept.footing.holds) this.#store.delete(tenantId, key);
    const flightKey = `${tenantId} ${key}`;
    const underWay = this.#flights.get(flightKey);
    const joined = underWay && !underWay.isAbandoned && this.#mayJoin(underWay, request) ? underWay : undefined;
    const flight = joined ?? this.#start(flightKey, request, load, now);
    try {
      const { loaded, stored, isShared } = await flight.wait(signal, request.leftMs);
      if (isShared) return { kept: loaded, status: { kind: 'hit', from: 'redis' } };
      return { kept: loaded, status: { kind: 'forwarded', ...reason, stored, collapsed: joined !== undefined } };
    } catch (error) {
      return this.#staleAnswer(request, error);
    }
  }

  /** Drops everything, also what is being loaded. */
  clear(): void {
    this.floors.raiseAll();
    this.#store.clear();
  }

  #isGood(kept: KeptAnswer, now: number, notBefore: number): boolean {
    if (now >= kept.freshUntil || kept.loadedAt < notBefore || !kept.footing.holds) return false;
    if (this.sight.blindness(kept.route.area) !== undefined) return false;
    kept.used = true;
    return true;
  }

  /**
   * A later read joins a load only if no write was acknowledged since the load began, on any edge. A read with a consistency token
   * must not depend on other edges: it never joins a load that may end with an answer of another edge, whose age is unknown here.
   */
  #mayJoin(flight: Flight, { notBefore }: CacheRequest): boolean {
    if (flight.mayBeShared && notBefore !== -Infinity) return false;
    return flight.startedAt >= notBefore && flight.footing.holds && this.sight.seesOtherEdges;
  }

  #forwardReason(
    { route, notBefore }: CacheRequest,
    kept: KeptAnswer | undefined,
    now: number,
  ): { reason: ForwardReason; detail?: string } {
    const blindness = this.sight.blindness(route.area);
    if (blindness) return { reason: 'bypass', detail: blindness };
    if (!kept?.footing.holds) return { reason: 'uri-miss' };
    if (now >= kept.freshUntil) return { reason: 'stale' };
    return kept.loadedAt < notBefore ? { reason: 'request' } : { reason: 'uri-miss' };
  }

  #start(flightKey: string, request: CacheRequest, load: Load, startedAt: number): Flight {
    const { route, tenantId, message } = request;
    const names = route.floors(tenantId, message);
    const footing = this.floors.stand(names);
    const fetch = (started: Flight, signal: AbortSignal) => this.#fetch(request, names, started, load, signal);
    const mayBeShared = this.#mayLookAtShared(request) && request.notBefore === -Infinity;
    const flight = new Flight(startedAt, footing, fetch, mayBeShared);
    this.#flights.set(flightKey, flight);
    flight.onEnd(() => {
      if (this.#flights.get(flightKey) === flight) this.#flights.delete(flightKey);
    });
    return flight;
  }

  /** Shared answers are used only while this edge sees every write. */
  #mayLookAtShared({ route }: CacheRequest): boolean {
    return this.shared !== undefined && this.sight.blindness(route.area) === undefined;
  }

  async #fetch(request: CacheRequest, names: readonly string[], flight: Flight, load: Load, signal: AbortSignal) {
    const { route, tenantId, key } = request;
    const { startedAt, footing } = flight;
    try {
      const lookup = this.#mayLookAtShared(request) ? await this.shared?.look(tenantId, key, names) : undefined;
      if (lookup?.found && flight.mayBeShared) {
        const { body, etag, ageMs, ttlMs } = lookup.found;
        const bornAt = startedAt - ageMs;
        const freshUntil = startedAt + ttlMs;
        const kept = new KeptAnswer(
          route,
          key,
          { body, etag },
          -Infinity,
          bornAt,
          freshUntil,
          freshUntil + route.staleMs,
          footing,
        );
        return { loaded: kept, stored: this.#keep(tenantId, key, kept), isShared: true };
      }
      flight.mayBeShared = false;
      const loaded = await this.#loadOrRefuse(route, load, signal);
      const isRefusal = 'refusal' in loaded;
      const freshUntil = performance.now() + (isRefusal ? route.refusalTtlMs : route.ttlMs);
      const staleUntil = isRefusal ? freshUntil : freshUntil + route.staleMs;
      const kept = new KeptAnswer(route, key, loaded, startedAt, startedAt, freshUntil, staleUntil, footing);
      const stored = this.#keep(tenantId, key, kept);
      if (stored && !isRefusal) lookup?.keep(loaded.body, loaded.etag, route.ttlMs);
      return { loaded: kept, stored, isShared: false };
    } catch (error) {
      footing.leave();
      throw error;
    }
  }

  /** A record that does not exist is worth remembering; why it is gone, or where it went, is not. */
  async #loadOrRefuse(route: CachedRoute, load: Load, signal: AbortSignal): Promise<Loaded> {
    try {
      return await load(signal);
    } catch (error) {
      const isAbsence = error instanceof AppError && error.code === 'NOT_FOUND' && isPlain(error);
      if (isAbsence && route.namesOneRecord) return { refusal: error };
      throw error;
    }
  }

  #keep(tenantId: string, key: string, kept: KeptAnswer): boolean {
    const newer = this.#store.get(tenantId, key);
    const isWanted = kept.footing.holds && !(newer?.footing.holds && newer.bornAt > kept.bornAt);
    if (isWanted && this.#store.set(tenantId, key, kept)) return true;
    kept.footing.leave();
    return false;
  }

  /** The last good answer, unless something it depends on is known to have been written since. */
  #staleAnswer({ tenantId, key, notBefore }: CacheRequest, error: unknown): Read {
    const status = error instanceof AppError ? statusOfAbsence[error.code] : undefined;
    const kept = status === undefined ? undefined : this.#store.get(tenantId, key);
    const isGood = kept && performance.now() < kept.staleUntil && kept.loadedAt >= notBefore && kept.footing.holds;
    if (status === undefined || !isGood || kept.refusal) throw error;
    kept.used = true;
    return { kept, status: { kind: 'stale', status } };
  }
}

/** The HTTP status of what says that the service could not be asked. */
const statusOfAbsence: Partial<Record<AppError['code'], number>> = { UNAVAILABLE: 503, DEADLINE_EXCEEDED: 504 };

function isPlain({ metadata, violations }: AppError): boolean {
  return Object.keys(metadata).length === 0 && violations.length === 0;
}
