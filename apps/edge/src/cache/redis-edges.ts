import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from '@rapport/platform';
import { RedisAway, type RedisLink } from '../redis.js';
import type { OtherEdges, Raised } from './invalidations.js';
import { redisNames } from './redis-names.js';
import { RedisScript } from './redis-script.js';
import { RollCall } from './roll-call.js';
import type { EdgeLease } from './sight.js';

/** How long a lease lasts: the longest that a write waits for an edge that has gone. In milliseconds. */
export const leaseMs = 1_000;
const renewalMs = 250;
/** How long to wait before Redis is asked again, in milliseconds. */
const retryMs = 20;
/** What the local end of a lease is earlier than the one in Redis, in milliseconds: clocks differ in speed. */
const marginMs = 50;
/** How long Redis must answer again before a lease is taken, in milliseconds: by then every edge is back that will be. */
const quarantineMs = 1_000;

const now = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * An edge whose lease ran out may have acknowledged writes that no floor was raised for: what was kept before is void.
 * Answers 1 when the edge was not in the set.
 */
const renew = new RedisScript(`${now}
  local lost = redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local added = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  if lost > 0 or ARGV[4] == '1' then redis.call('DEL', KEYS[2]) end
  redis.call('PUBLISH', KEYS[3], ARGV[3])
  return added
`);

/**
 * Raises floors, tells every edge, and answers who must have heard of it, with what is left of their leases. A nonce that is
 * missing is made anew by who looks, and to delete one is not refused when Redis is full.
 */
const raise = new RedisScript(`${now}
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
`);

interface Batch {
  floors: Set<string>;
  raised: Promise<Raised>;
}

/**
 * The other edges behind the same Redis. Each gives kept answers only while it holds a lease, and a writer has its
 * invalidation acknowledged by every edge that holds one, or waits for the lease's end. So a hit costs no round trip.
 *
 * A lease is proved by a message that the renewal itself publishes to the channel of the invalidations: who has received
 * it has received every invalidation before it, and a connection that is stuck proves nothing.
 */
export class RedisEdges implements EdgeLease, OtherEdges {
  readonly #id = randomBytes(9).toString('base64url');
  readonly #subscriber: RedisLink['client'];
  readonly #timer: NodeJS.Timeout;
  /** When renewals were sent, by their number. */
  readonly #renewals = new Map<number, number>();
  readonly #rolls = new Map<number, RollCall>();
  #renewal = 0;
  #batch: Batch | undefined;
  #batchNumber = 0;
  #heldUntil = -Infinity;
  /** Only renewals after this one were sent over a subscription that is there. */
  #deafUntil = 0;
  #isSubscribed = false;
  #wellSince: number | undefined;
  #wasAway = false;
  /** When Redis was first found away since it last answered. */
  #awaySince: number | undefined;
  /** By `performance.now()`: until then an edge may hold a lease that the set does not know. */
  #setIsWholeAt = Infinity;
  /** How often floors should have been raised in Redis and were not, since everything there was voided for it. */
  #missed = 0;

  /**
   * @param heard raises floors of this edge that another edge has raised
   * @param regained called before a lease is held again: what was kept before is not to be trusted
   */
  constructor(
    private readonly link: RedisLink,
    private readonly logger: Logger,
    private readonly heard: (floors: readonly string[]) => void,
    private readonly regained: () => void,
  ) {
    this.#subscriber = link.client.duplicate({ pingInterval: 500 });
    this.#subscribe();
    this.#timer = setInterval(() => this.#beat(), renewalMs).unref();
  }

  /** Never while something in Redis should have been voided and is not: neither is to be believed then. */
  get isHeld(): boolean {
    return this.#missed === 0 && performance.now() < this.#heldUntil;
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

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#heldUntil = -Infinity;
    this.#subscriber.destroy();
    // Nobody has to wait for the end of the lease. Without Redis it ends by itself.
    await this.link
      .ask((client) => client.zRem(redisNames.leases, this.#id))
      .catch((error: unknown) => {
        this.logger.debug({ err: error }, 'the lease could not be given back');
      });
  }

  /** What could not be done is made up for by the next renewal. */
  async #delete(keys: string[]): Promise<void> {
    try {
      await this.link.ask((client) => client.del(keys));
    } catch (error) {
      this.#missed++;
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
          this.#missed++;
          this.logger.warn({ err: error }, 'Redis refuses to end kept answers');
        }
        const since = isAway ? this.#noteAway() : (refusedAt ?? 0);
        const leftMs = since + leaseMs - performance.now();
        if (leftMs > 0) {
          await wait(Math.min(retryMs, leftMs));
          continue;
        }
        this.#missed++;
        this.logger.debug({ err: error }, 'floors could not be raised');
        return { acknowledged: Promise.resolve() };
      }
    }
  }

  async #raiseOnce(floors: readonly string[]): Promise<Raised> {
    const number = ++this.#batchNumber;
    // Acknowledgements can be here before Redis's own answer is.
    const roll = new RollCall();
    this.#rolls.set(number, roll);
    const values = [this.#id, JSON.stringify([this.#id, number, floors])];
    const keys = [redisNames.leases, redisNames.channel, ...floors.map(redisNames.floor)];
    try {
      const [isMember, ...leases] = (await raise.run(this.link, keys, values)) as [number, ...(Buffer | number)[]];
      this.#awaySince = undefined;
      // When Redis lost its data, the set is lost, and with it who else holds a lease.
      const isWhole = isMember === 1 && performance.now() >= this.#setIsWholeAt;
      const longestMs = isWhole ? roll.call(leases) : leaseMs;
      return { acknowledged: roll.end(longestMs).finally(() => this.#rolls.delete(number)) };
    } catch (error) {
      this.#rolls.delete(number);
      throw error;
    }
  }

  #noteAway(): number {
    this.#awaySince ??= performance.now();
    return this.#awaySince;
  }

  #subscribe(): void {
    const subscriber = this.#subscriber;
    let isRegistered = false;
    const lost = () => {
      this.#isSubscribed = false;
      this.#heldUntil = -Infinity;
    };
    subscriber.on('error', lost);
    subscriber.on('reconnecting', lost);
    subscriber.on('ready', () => {
      const register = isRegistered
        ? Promise.resolve()
        : subscriber.subscribe([redisNames.channel, redisNames.acknowledgements(this.#id)], (message, channel) =>
            this.#hear(message, channel),
          );
      register.then(
        () => {
          isRegistered = true;
          this.#deafUntil = this.#renewal;
          this.#isSubscribed = true;
          this.#beat();
        },
        // The connection was lost meanwhile: the next one tries again.
        lost,
      );
    });
    // Rejects only when it is closed meanwhile; every failed attempt is an event `error`.
    subscriber.connect().catch(lost);
  }

  #beat(): void {
    const time = performance.now();
    if (!this.link.answers || !this.#isSubscribed) {
      if (!this.link.answers) this.#noteAway();
      if (this.#wellSince !== undefined || !this.link.answers) this.#wasAway = true;
      this.#wellSince = undefined;
      return;
    }
    this.#awaySince = undefined;
    this.#wellSince ??= time;
    if (this.#wasAway && time - this.#wellSince < quarantineMs) return;
    this.#wasAway = false;
    this.#renew(time);
  }

  #renew(sentAt: number): void {
    const number = ++this.#renewal;
    this.#renewals.set(number, sentAt);
    this.#renewals.delete(number - 10);
    const missed = this.#missed;
    const message = JSON.stringify([this.#id, number]);
    const keys = [redisNames.leases, redisNames.generation, redisNames.channel];
    renew.run(this.link, keys, [this.#id, String(leaseMs), message, missed > 0 ? '1' : '0']).then(
      (added) => {
        this.#missed -= missed;
        this.#awaySince = undefined;
        // Who holds a lease that is in no set renews it until then, or it has ended.
        if (added === 1) this.#setIsWholeAt = performance.now() + leaseMs;
      },
      (error: unknown) => {
        if (error instanceof RedisAway) this.#noteAway();
        else this.logger.debug({ err: error }, 'Redis refuses to renew the lease');
      },
    );
  }

  #hear(message: string, channel: string): void {
    const [edgeId, number, floors] = JSON.parse(message) as [string, number, string[] | undefined];
    if (channel !== redisNames.channel) return this.#rolls.get(number)?.answer(edgeId);
    if (floors) {
      if (edgeId === this.#id) return;
      this.heard(floors);
      const answer = JSON.stringify([this.#id, number]);
      this.link
        .ask((client) => client.publish(redisNames.acknowledgements(edgeId), answer))
        // Then the writer waits for the end of this edge's lease.
        .catch((error: unknown) => this.logger.debug({ err: error }, 'an invalidation could not be acknowledged'));
    } else if (edgeId === this.#id && number > this.#deafUntil) this.#prove(number);
  }

  #prove(number: number): void {
    const sentAt = this.#renewals.get(number);
    if (sentAt === undefined) return;
    if (!this.isHeld) this.regained();
    this.#heldUntil = Math.max(this.#heldUntil, sentAt + leaseMs - marginMs);
  }
}
