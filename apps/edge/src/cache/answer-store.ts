import type { Principal } from '../access/authenticator.js';
import type { CachedAnswer } from './cached-answer.js';
import type { RedisLease } from './redis-lease.js';

/** How long a change log may be silent before it counts as lost, in milliseconds. It sends a message every second. */
const silentAfterMs = 3_000;

/** A source of invalidations that this edge does not hear: other edges, without the lease, or the change log. */
export type SilentSource = 'lease' | 'feed';

/**
 * Where invalidations come from besides the writes through this edge: other edges and the change log of each area. While one of
 * them is silent, an answer of its area may lack a write, and no cached one is given as fresh.
 */
export class InvalidationSources {
  /** Time of the last message of each change log, by area and `performance.now()`. Areas without a log are missing. */
  readonly #lastMessageAt: Map<string, number>;

  /**
   * @param lease absent when this is the only edge
   * @param areas of the contract that have a change log
   */
  constructor(
    private readonly lease: Pick<RedisLease, 'isHeld'> | undefined,
    areas: readonly string[],
  ) {
    this.#lastMessageAt = new Map(areas.map((area) => [area, -Infinity]));
  }

  /** Whether every write through another edge is known here. */
  get hearsOtherEdges(): boolean {
    return this.lease?.isHeld ?? true;
  }

  /** Records that every change of an area up to now is known. */
  markCurrent(area: string): void {
    this.#lastMessageAt.set(area, performance.now());
  }

  /** @param area that an answer comes from. @returns undefined when every write to it is known here */
  silent(area: string): SilentSource | undefined {
    if (!this.hearsOtherEdges) return 'lease';
    return this.isFeedSilent(area) ? 'feed' : undefined;
  }

  isFeedSilent(area: string): boolean {
    const lastMessageAt = this.#lastMessageAt.get(area);
    return lastMessageAt !== undefined && performance.now() - lastMessageAt >= silentAfterMs;
  }

  hasFeed(area: string): boolean {
    return this.#lastMessageAt.has(area);
  }
}

interface Share<Value> {
  readonly tenantId: string;
  bytes: number;
  values: Map<string, Value>;
}

/** Largest part of the store that one value may take. */
const maxPart = 1 / 32;

/**
 * Values of many tenants in bounded memory. When it is full, a value of the tenant that takes the most is evicted, so a tenant below
 * an equal share never loses one to another. Within a tenant the values that were not used since they were last passed over go
 * first (CLOCK), which costs a hit one assignment instead of a move in a list.
 */
export class FairStore<Value extends Pick<CachedAnswer, 'bytes' | 'used' | 'dropped'>> {
  readonly #shares = new Map<string, Share<Value>>();
  #bytes = 0;
  /** The tenant that is evicted from, until it is down to an equal share. It is looked up once for many values. */
  #greatest: Share<Value> | undefined;

  constructor(private readonly maxBytes: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    let size = 0;
    for (const { values } of this.#shares.values()) size += values.size;
    return size;
  }

  get(tenantId: string, key: string): Value | undefined {
    return this.#shares.get(tenantId)?.values.get(key);
  }

  /** @returns false when the value is too large to be kept; then nothing is kept at the key */
  set(tenantId: string, key: string, value: Value): boolean {
    this.delete(tenantId, key);
    if (value.bytes > this.maxBytes * maxPart) return false;
    let share = this.#shares.get(tenantId);
    if (!share) this.#shares.set(tenantId, (share = { tenantId, bytes: 0, values: new Map() }));
    share.values.set(key, value);
    share.bytes += value.bytes;
    this.#bytes += value.bytes;
    while (this.#bytes > this.maxBytes) this.#evict();
    return true;
  }

  delete(tenantId: string, key: string): void {
    const share = this.#shares.get(tenantId);
    const value = share?.values.get(key);
    if (share && value) this.#remove(share, key, value);
  }

  clear(): void {
    for (const { values } of this.#shares.values()) for (const value of values.values()) value.dropped();
    this.#shares.clear();
    this.#bytes = 0;
    this.#greatest = undefined;
  }

  #evict(): void {
    const fairBytes = this.maxBytes / this.#shares.size;
    if (!this.#greatest || this.#greatest.bytes <= fairBytes) {
      const [first, ...others] = this.#shares.values();
      this.#greatest = others.reduce((most, share) => (most && share.bytes > most.bytes ? share : most), first);
    }
    if (this.#greatest) this.#evictOne(this.#greatest);
  }

  #evictOne(share: Share<Value>): void {
    for (const [key, value] of share.values) {
      if (!value.used) return this.#remove(share, key, value);
      value.used = false;
      // To the end of the queue, behind those that were passed over earlier.
      share.values.delete(key);
      share.values.set(key, value);
    }
  }

  #remove(share: Share<Value>, key: string, value: Value): void {
    share.values.delete(key);
    share.bytes -= value.bytes;
    this.#bytes -= value.bytes;
    if (share.values.size === 0) this.#shares.delete(share.tenantId);
    value.dropped();
  }
}

/** The cached answers of this process, and whether they may be given. */
export class AnswerStore extends FairStore<CachedAnswer> {
  /** @param maxBytes of memory for answers, about */
  constructor(
    maxBytes: number,
    readonly sources: InvalidationSources,
  ) {
    super(maxBytes);
  }

  /** A fresh answer, never a refusal. @param notBefore no load may have begun earlier, by `performance.now()` */
  find(tenantId: string, key: string, now: number, notBefore: number): CachedAnswer | undefined {
    const answer = this.get(tenantId, key);
    return answer && !answer.refusal && this.isFresh(answer, now, notBefore) ? answer : undefined;
  }

  /** Whether an answer may be given as fresh. It then counts as used. */
  isFresh(answer: CachedAnswer, now: number, notBefore: number): boolean {
    if (now >= answer.freshUntil || answer.loadedAt < notBefore || !answer.snapshot.isCurrent) return false;
    if (this.sources.silent(answer.route.area) !== undefined) return false;
    answer.used = true;
    return true;
  }
}

/**
 * The key of an answer among those of its tenant. Callers with other rights get other answers, and so does each caller where
 * `me` in a filter may stand for it.
 */
export function cacheKey({ rights, caller }: Pick<Principal, 'rights' | 'caller'>, url: string): string {
  return mayNameCaller.test(url) ? `${rights} ${caller.principalId}${url}` : `${rights}${url}`;
}

/**
 * The word `me` in a URL, however it is encoded. It may be a text or a part of a path: then callers share less than they
 * could.
 */
const mayNameCaller = /(?:[^\w%]|%[\da-f]{2})(?:m|%6d)(?:e|%65)(?!\w)/i;
