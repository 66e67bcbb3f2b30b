import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '@rapport/platform';
import { RedisUnavailable, type RedisLink } from '../redis/redis.js';
import { clockOfRedis, RedisScript } from '../redis/redis-script.js';
import { leaseMs, RedisLease, type Invalidation } from './redis-lease.js';
import { redisNames } from './redis-names.js';

/** How long to wait before a retry on Redis, in milliseconds. */
const retryMs = 20;

/**
 * Deletes the nonces of tags, publishes the invalidation, and returns the edges that must acknowledge it, with the rest of
 * their leases. The next lookup creates a missing nonce, and Redis deletes even when it is full.
 */
const invalidate = new RedisScript(
  'raise',
  `${clockOfRedis}
  for index = 3, #KEYS do redis.call('DEL', KEYS[index]) end
  redis.call('PUBLISH', KEYS[2], ARGV[2])
  local live = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES')
  local answer = {0}
  for index = 1, #live, 2 do
    if live[index] == ARGV[1] then answer[1] = 1
    else
      answer[#answer + 1] = live[index]
      answer[#answer + 1] = live[index + 1] - now
    end
  end
  return answer
`,
);

/** An invalidation that the other edges have yet to acknowledge. */
export interface Invalidated {
  /** Resolves when no edge serves an answer that was loaded before. Never rejects. */
  acknowledged: Promise<void>;
}

interface Batch {
  tags: Set<string>;
  invalidated: Promise<Invalidated>;
}

/**
 * The other edges behind the same Redis. Each gives cached answers only while it holds a lease, and a writer has its
 * invalidation acknowledged by every edge that holds one, or waits for the lease's end. So a hit costs no round trip.
 */
export class RedisEdges {
  readonly lease: RedisLease;
  readonly #waiting = new Map<number, Acknowledgements>();
  #batch: Batch | undefined;
  #batchNumber = 0;

  /**
   * @param onInvalidation called with tags that another edge has invalidated
   * @param onRegain called before a lease is held again: what was cached before must be dropped
   */
  constructor(
    private readonly link: RedisLink,
    private readonly logger: Logger,
    private readonly onInvalidation: (tags: readonly string[]) => void,
    onRegain: () => void,
  ) {
    this.lease = new RedisLease(link, logger, {
      onRegain,
      onInvalidation: (invalidation) => this.#acknowledge(invalidation),
      onAcknowledgement: (edgeId, number) => this.#waiting.get(number)?.add(edgeId),
    });
  }

  /**
   * Invalidates tags for all edges. Calls of the same turn share one round trip. Resolves when nothing that was loaded before can
   * be had from Redis; never rejects.
   */
  invalidate(tags: readonly string[]): Promise<Invalidated> {
    if (!this.#batch) {
      const all = new Set<string>();
      const invalidated = Promise.resolve().then(() => {
        this.#batch = undefined;
        return this.#invalidateNow([...all]);
      });
      this.#batch = { tags: all, invalidated };
    }
    for (const tag of tags) this.#batch.tags.add(tag);
    return this.#batch.invalidated;
  }

  /** Voids the answers in Redis that have these tags: of the memory of each edge, the change log takes care. */
  async voidTags(tags: readonly string[]): Promise<void> {
    await this.#delete(tags.map(redisNames.tag));
  }

  /**
   * Voids all answers in Redis, when it can't be known what was written: what is there is only as new as the log was when
   * some edge last followed it.
   */
  async voidAll(): Promise<void> {
    await this.#delete([redisNames.generation]);
  }

  close(): Promise<void> {
    return this.lease.close();
  }

  /** The next renewal repeats what failed. */
  async #delete(keys: string[]): Promise<void> {
    try {
      await this.link.ask((client) => client.del(keys));
    } catch (error) {
      this.lease.noteMissed();
      this.logger.debug({ err: error }, 'answers in Redis could not be voided');
    }
  }

  /**
   * While Redis is unreachable for this edge alone, others renew their leases: so it retries until it succeeds, or Redis
   * has been unreachable for the length of a lease. If Redis refuses the write, it refuses renewals too: then it retries
   * for the length of a lease.
   */
  async #invalidateNow(tags: readonly string[]): Promise<Invalidated> {
    let refusedAt: number | undefined;
    for (;;) {
      try {
        return await this.#invalidateOnce(tags);
      } catch (error) {
        const isUnavailable = error instanceof RedisUnavailable;
        if (!isUnavailable && refusedAt === undefined) {
          refusedAt = performance.now();
          // Noted before the wait, so that this edge holds no lease meanwhile.
          this.lease.noteMissed();
          this.logger.warn({ err: error }, 'Redis refuses to invalidate cached answers');
        }
        const since = isUnavailable ? this.lease.noteUnavailable() : (refusedAt ?? 0);
        const leftMs = since + leaseMs - performance.now();
        if (leftMs > 0) {
          await wait(Math.min(retryMs, leftMs));
          continue;
        }
        this.lease.noteMissed();
        this.logger.debug({ err: error }, 'tags could not be invalidated');
        return { acknowledged: Promise.resolve() };
      }
    }
  }

  async #invalidateOnce(tags: readonly string[]): Promise<Invalidated> {
    const { edgeId } = this.lease;
    const number = ++this.#batchNumber;
    // Acknowledgements can be here before Redis's own answer is.
    const acknowledgements = new Acknowledgements();
    this.#waiting.set(number, acknowledgements);
    const values = [edgeId, JSON.stringify([edgeId, number, tags])];
    const keys = [redisNames.leases, redisNames.channel, ...tags.map(redisNames.tag)];
    try {
      const [isMember, ...leases] = (await invalidate.run(this.link, keys, values)) as [number, ...(Buffer | number)[]];
      this.lease.noteAnswered();
      // When Redis lost its data, the set is lost, and with it which other edges hold a lease.
      const isWhole = isMember === 1 && this.lease.isSetWhole;
      const longestMs = isWhole ? acknowledgements.expect(leases) : leaseMs;
      return { acknowledged: acknowledgements.complete(longestMs).finally(() => this.#waiting.delete(number)) };
    } catch (error) {
      this.#waiting.delete(number);
      throw error;
    }
  }

  #acknowledge({ edgeId, number, tags }: Invalidation): void {
    this.onInvalidation(tags);
    const answer = JSON.stringify([this.lease.edgeId, number]);
    this.link
      .ask((client) => client.publish(redisNames.acknowledgements(edgeId), answer))
      // Then the writer waits for the end of this edge's lease.
      .catch((error: unknown) => this.logger.debug({ err: error }, 'an invalidation could not be acknowledged'));
  }
}

/** The acknowledgements of one invalidation by other edges. */
class Acknowledgements {
  readonly #received = new Set<string>();
  readonly #complete = Promise.withResolvers<void>();
  #missing: Set<string> | undefined;

  /**
   * @param leases ids of the edges that must acknowledge, each followed by the rest of its lease, in milliseconds
   * @returns when the last of these leases has ended, in milliseconds from now
   */
  expect(leases: readonly (Buffer | number)[]): number {
    let longestMs = 0;
    this.#missing = new Set();
    for (let index = 0; index < leases.length; index += 2) {
      const edgeId = String(leases[index]);
      if (this.#received.has(edgeId)) continue;
      this.#missing.add(edgeId);
      longestMs = Math.max(longestMs, Number(leases[index + 1]));
    }
    return longestMs;
  }

  add(edgeId: string): void {
    this.#received.add(edgeId);
    this.#missing?.delete(edgeId);
    if (this.#missing?.size === 0) this.#complete.resolve();
  }

  /** Resolves when all have arrived, or after the delay, in milliseconds. */
  async complete(delayMs: number): Promise<void> {
    if (delayMs <= 0) return;
    const timer = setTimeout(() => this.#complete.resolve(), delayMs);
    await this.#complete.promise;
    clearTimeout(timer);
  }
}
