import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '@rapport/platform';
import { RedisAway, type RedisLink } from '../redis.js';
import { clockOfRedis, RedisScript } from '../redis-script.js';
import type { OtherEdges, Raised } from './invalidations.js';
import { leaseMs, RedisLease, type Told } from './redis-lease.js';
import { redisNames } from './redis-names.js';
import { RollCall } from './roll-call.js';

/** How long to wait before Redis is asked again, in milliseconds. */
const retryMs = 20;

/**
 * Raises floors, tells every edge, and answers who must have heard of it, with what is left of their leases. A nonce that is
 * missing is made anew by who looks, and to delete one is not refused when Redis is full.
 */
const raise = new RedisScript(
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

interface Batch {
  floors: Set<string>;
  raised: Promise<Raised>;
}

/**
 * The other edges behind the same Redis. Each gives kept answers only while it holds a lease, and a writer has its
 * invalidation acknowledged by every edge that holds one, or waits for the lease's end. So a hit costs no round trip.
 */
export class RedisEdges implements OtherEdges {
  readonly lease: RedisLease;
  readonly #rolls = new Map<number, RollCall>();
  #batch: Batch | undefined;
  #batchNumber = 0;

  /**
   * @param heard raises floors of this edge that another edge has raised
   * @param regained called before a lease is held again: what was kept before is not to be trusted
   */
  constructor(
    private readonly link: RedisLink,
    private readonly logger: Logger,
    private readonly heard: (floors: readonly string[]) => void,
    regained: () => void,
  ) {
    this.lease = new RedisLease(link, logger, {
      regained,
      told: (told) => this.#acknowledge(told),
      acknowledged: (edgeId, number) => this.#rolls.get(number)?.answer(edgeId),
    });
  }

  /** Raises floors for all edges. Those who ask in the same turn share one round trip. */
  raise(floors: readonly string[]): Promise<Raised> {
    if (!this.#batch) {
      const names = new Set<string>();
      const raised = Promise.resolve().then(() => {
        this.#batch = undefined;
        return this.#raiseNow([...names]);
      });
      this.#batch = { floors: names, raised };
    }
    for (const floor of floors) this.#batch.floors.add(floor);
    return this.#batch.raised;
  }

  /** Raises floors in Redis only: each edge follows the change log itself. */
  async raiseQuietly(floors: readonly string[]): Promise<void> {
    await this.#delete(floors.map(redisNames.floor));
  }

  /**
   * Voids everything in Redis, for who can't know what was written: also what is kept there is only as new as the log was
   * when some edge last followed it.
   */
  async raiseAllQuietly(): Promise<void> {
    await this.#delete([redisNames.generation]);
  }

  close(): Promise<void> {
    return this.lease.close();
  }

  /** What could not be done is made up for by the next renewal. */
  async #delete(keys: string[]): Promise<void> {
    try {
      await this.link.ask((client) => client.del(keys));
    } catch (error) {
      this.lease.miss();
      this.logger.debug({ err: error }, 'floors could not be raised');
    }
  }

  /**
   * While Redis is away to this edge alone, others renew their leases: so it is tried again until it is done, or Redis has
   * been away for as long as a lease lasts. What refuses a write refuses renewals too: then it is tried for as long as a
   * lease lasts, whatever else Redis answers meanwhile.
   */
  async #raiseNow(floors: readonly string[]): Promise<Raised> {
    let refusedAt: number | undefined;
    for (;;) {
      try {
        return await this.#raiseOnce(floors);
      } catch (error) {
        const isAway = error instanceof RedisAway;
        if (!isAway && refusedAt === undefined) {
          refusedAt = performance.now();
          // From now on, so that this edge keeps no lease meanwhile.
          this.lease.miss();
          this.logger.warn({ err: error }, 'Redis refuses to end kept answers');
        }
        const since = isAway ? this.lease.noteAway() : (refusedAt ?? 0);
        const leftMs = since + leaseMs - performance.now();
        if (leftMs > 0) {
          await wait(Math.min(retryMs, leftMs));
          continue;
        }
        this.lease.miss();
        this.logger.debug({ err: error }, 'floors could not be raised');
        return { acknowledged: Promise.resolve() };
      }
    }
  }

  async #raiseOnce(floors: readonly string[]): Promise<Raised> {
    const { edgeId } = this.lease;
    const number = ++this.#batchNumber;
    // Acknowledgements can be here before Redis's own answer is.
    const roll = new RollCall();
    this.#rolls.set(number, roll);
    const values = [edgeId, JSON.stringify([edgeId, number, floors])];
    const keys = [redisNames.leases, redisNames.channel, ...floors.map(redisNames.floor)];
    try {
      const [isMember, ...leases] = (await raise.run(this.link, keys, values)) as [number, ...(Buffer | number)[]];
      this.lease.noteThere();
      // When Redis lost its data, the set is lost, and with it who else holds a lease.
      const isWhole = isMember === 1 && this.lease.isSetWhole;
      const longestMs = isWhole ? roll.call(leases) : leaseMs;
      return { acknowledged: roll.end(longestMs).finally(() => this.#rolls.delete(number)) };
    } catch (error) {
      this.#rolls.delete(number);
      throw error;
    }
  }

  #acknowledge({ edgeId, number, floors }: Told): void {
    this.heard(floors);
    const answer = JSON.stringify([this.lease.edgeId, number]);
    this.link
      .ask((client) => client.publish(redisNames.acknowledgements(edgeId), answer))
      // Then the writer waits for the end of this edge's lease.
      .catch((error: unknown) => this.logger.debug({ err: error }, 'an invalidation could not be acknowledged'));
  }
}
