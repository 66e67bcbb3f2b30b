import { AppError } from '@rapport/platform';
import { deadlineExceeded, endOf } from '../calls/call-ends.js';
import type { AnswerStore } from './answer-store.js';
import { CachedAnswer, type CacheStatus, type ForwardReason, type Loaded } from './cached-answer.js';
import type { CachedRoute } from './cached-route.js';
import type { RedisAnswers } from './redis-answers.js';
import type { TagSnapshot, TagVersions } from './tags.js';

/** A read as the cache sees it. */
export interface CacheRequest {
  route: CachedRoute;
  tenantId: string;
  /** See `cacheKey`. */
  key: string;
  /** The request message, which the tags are read from. */
  message: Record<string, unknown>;
  /** No answer whose load began earlier is good enough. By `performance.now()`; -Infinity when any is. */
  notBefore: number;
  /** How long its answer may take, in milliseconds. */
  leftMs: number;
}

export interface Read {
  answer: CachedAnswer;
  status: CacheStatus;
}

/**
 * Asks the service, with the whole deadline of the method: requests that join may have more time left than the first one. The
 * signal aborts when no request waits any longer.
 */
export type Load = (signal: AbortSignal) => Promise<Loaded>;

/**
 * A read-through cache in the memory of this process. An answer is never older than a write that was acknowledged before
 * the read began: see TagVersions for writes through this process, and InvalidationSources for those of others.
 */
export class ReadCache {
  readonly #loads = new Map<string, InFlightLoad>();

  constructor(
    private readonly store: AnswerStore,
    private readonly versions: TagVersions,
    private readonly redis: RedisAnswers | undefined,
  ) {}

  /**
   * Answers from memory, or else from the load that is in flight for the same key or a new one.
   *
   * @param signal aborts when the client has gone
   * @throws AppError what the service refuses the read with, or why it can't be asked
   */
  async read(request: CacheRequest, load: Load, signal: AbortSignal): Promise<Read> {
    const { tenantId, key, notBefore } = request;
    const now = performance.now();
    const known = this.store.get(tenantId, key);
    if (known && this.store.isFresh(known, now, notBefore)) return { answer: known, status: { kind: 'hit' } };
    const reason = this.#forwardReason(request, known, now);
    if (known && !known.snapshot.isCurrent) this.store.delete(tenantId, key);
    const loadKey = `${tenantId} ${key}`;
    const inFlight = this.#loads.get(loadKey);
    const joined = inFlight && this.#mayJoin(inFlight, request) ? inFlight : undefined;
    const current = joined ?? this.#start(loadKey, request, load, now);
    try {
      const { answer, stored, isShared } = await current.wait(signal, request.leftMs);
      if (isShared) return { answer, status: { kind: 'hit', from: 'redis' } };
      return { answer, status: { kind: 'forwarded', ...reason, stored, collapsed: joined !== undefined } };
    } catch (error) {
      return this.#staleAnswer(request, error);
    }
  }

  /** Drops everything, loads in flight included. */
  clear(): void {
    this.versions.invalidateAll();
    this.store.clear();
  }

  /**
   * A later read joins a load only if no write was acknowledged since the load began, on any edge. A read with a consistency token
   * must not depend on other edges: it never joins a load that may end with an answer of another edge, whose age is unknown here.
   */
  #mayJoin(load: InFlightLoad, { notBefore }: CacheRequest): boolean {
    if (load.isAbandoned || (load.mayBeShared && notBefore !== -Infinity)) return false;
    return load.startedAt >= notBefore && load.snapshot.isCurrent && this.store.sources.hearsOtherEdges;
  }

  #forwardReason(
    { route }: CacheRequest,
    known: CachedAnswer | undefined,
    now: number,
  ): { reason: ForwardReason; detail?: string } {
    const silent = this.store.sources.silent(route.area);
    if (silent) return { reason: 'bypass', detail: silent };
    if (!known?.snapshot.isCurrent) return { reason: 'uri-miss' };
    if (now >= known.freshUntil) return { reason: 'stale' };
    // It is fresh, but the request asks for a newer answer.
    return { reason: 'request' };
  }

  #start(loadKey: string, request: CacheRequest, load: Load, startedAt: number): InFlightLoad {
    const { route, tenantId, message } = request;
    const tags = route.tags(tenantId, message);
    const snapshot = this.versions.snapshot(tags);
    const run = (started: InFlightLoad, signal: AbortSignal) =>
      this.#load(request, tags, started, load, signal).finally(() => {
        if (this.#loads.get(loadKey) === started) this.#loads.delete(loadKey);
      });
    const mayBeShared = this.#mayLookInRedis(request) && request.notBefore === -Infinity;
    const started = new InFlightLoad(startedAt, snapshot, run, mayBeShared);
    this.#loads.set(loadKey, started);
    return started;
  }

  /** Answers of other edges are used only while this edge receives every invalidation. */
  #mayLookInRedis({ route }: CacheRequest): boolean {
    return this.redis !== undefined && this.store.sources.silent(route.area) === undefined;
  }

  async #load(
    request: CacheRequest,
    tags: readonly string[],
    inFlight: InFlightLoad,
    load: Load,
    signal: AbortSignal,
  ): Promise<LoadResult> {
    const { route, tenantId, key } = request;
    const { startedAt, snapshot } = inFlight;
    try {
      const lookup = this.#mayLookInRedis(request) ? await this.redis?.look(tenantId, key, tags) : undefined;
      if (lookup?.found && inFlight.mayBeShared) {
        const { ageMs, ttlMs, ...loaded } = lookup.found;
        const freshUntil = startedAt + ttlMs;
        const times = { loadedAt: -Infinity, bornAt: startedAt - ageMs, freshUntil };
        const staleUntil = freshUntil + route.staleMs;
        const answer = new CachedAnswer(route, key, loaded, { ...times, staleUntil }, snapshot);
        return { answer, stored: this.#keep(tenantId, key, answer), isShared: true };
      }
      inFlight.mayBeShared = false;
      const loaded = await loadOrRefuse(route, load, signal);
      const isRefusal = 'refusal' in loaded;
      const freshUntil = performance.now() + (isRefusal ? route.refusalTtlMs : route.ttlMs);
      const staleUntil = isRefusal ? freshUntil : freshUntil + route.staleMs;
      const times = { loadedAt: startedAt, bornAt: startedAt, freshUntil, staleUntil };
      const answer = new CachedAnswer(route, key, loaded, times, snapshot);
      const stored = this.#keep(tenantId, key, answer);
      if (stored && !isRefusal) lookup?.keep(loaded.body, loaded.etag, route.ttlMs);
      return { answer, stored, isShared: false };
    } catch (error) {
      snapshot.release();
      throw error;
    }
  }

  #keep(tenantId: string, key: string, answer: CachedAnswer): boolean {
    const other = this.store.get(tenantId, key);
    const isWanted = answer.snapshot.isCurrent && !(other?.snapshot.isCurrent && other.bornAt > answer.bornAt);
    if (isWanted && this.store.set(tenantId, key, answer)) return true;
    answer.snapshot.release();
    return false;
  }

  /** The last good answer, unless something it depends on is known to have been written since. */
  #staleAnswer({ tenantId, key, notBefore }: CacheRequest, error: unknown): Read {
    const status = error instanceof AppError ? statusOfOutage[error.code] : undefined;
    const answer = status === undefined ? undefined : this.store.get(tenantId, key);
    const isGood =
      answer && performance.now() < answer.staleUntil && answer.loadedAt >= notBefore && answer.snapshot.isCurrent;
    if (status === undefined || !isGood || answer.refusal) throw error;
    answer.used = true;
    return { answer, status: { kind: 'stale', status } };
  }
}

/** A plain NOT_FOUND is cached; one with details, such as why the record is gone or where it moved, is not. */
async function loadOrRefuse(route: CachedRoute, load: Load, signal: AbortSignal): Promise<Loaded> {
  try {
    return await load(signal);
  } catch (error) {
    const isAbsence = error instanceof AppError && error.code === 'NOT_FOUND' && isPlain(error);
    if (isAbsence && route.namesOneRecord) return { refusal: error };
    throw error;
  }
}

function isPlain({ metadata, violations }: AppError): boolean {
  return Object.keys(metadata).length === 0 && violations.length === 0;
}

/** The HTTP status of errors that say that the service could not be asked. */
const statusOfOutage: Partial<Record<AppError['code'], number>> = { UNAVAILABLE: 503, DEADLINE_EXCEEDED: 504 };

interface LoadResult {
  answer: CachedAnswer;
  stored: boolean;
  /** True when another edge had loaded it. */
  isShared: boolean;
}

/** One load and the requests that wait for it. It is cancelled when the last of them has gone. */
class InFlightLoad {
  readonly #result: Promise<LoadResult>;
  readonly #abandoned = new AbortController();
  #waiting = 0;

  constructor(
    /** By `performance.now()`. */
    readonly startedAt: number,
    readonly snapshot: TagSnapshot,
    run: (load: InFlightLoad, signal: AbortSignal) => Promise<LoadResult>,
    /** True while it may still end with an answer that another edge loaded earlier, instead of one from the service. */
    public mayBeShared: boolean,
  ) {
    this.#result = run(this, this.#abandoned.signal);
  }

  /** True when every request has gone: it ends with being cancelled. */
  get isAbandoned(): boolean {
    return this.#abandoned.signal.aborted;
  }

  /**
   * @param signal aborts when the client has gone
   * @param mostMs time left for this request; others that wait for the same load may have more
   */
  wait(signal: AbortSignal, mostMs: number): Promise<LoadResult> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const leave = (error: AppError) => {
        stay();
        if (--this.#waiting === 0) this.#abandoned.abort(error);
        reject(error);
      };
      const goWithClient = () => leave(endOf(signal));
      const timer = setTimeout(() => leave(deadlineExceeded()), mostMs);
      const stay = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', goWithClient);
      };
      signal.addEventListener('abort', goWithClient, { once: true });
      const settle = <Outcome>(settled: (outcome: Outcome) => void) => {
        return (outcome: Outcome) => {
          stay();
          settled(outcome);
        };
      };
      this.#result.then(settle(resolve), settle(reject));
    });
  }
}
