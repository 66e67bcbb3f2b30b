import { randomBytes } from 'node:crypto';
import type { Logger } from '@rapport/platform';
import { RedisUnavailable, type RedisLink } from '../redis/redis.js';
import { clockOfRedis, RedisScript } from '../redis/redis-script.js';
import { redisNames } from './redis-names.js';

/** How long a lease lasts: the longest that a write waits for an edge that has gone. In milliseconds. */
export const leaseMs = 1_000;
const renewalMs = 250;
/**
 * By how much a lease ends earlier here than in Redis, in milliseconds: clocks differ in speed. It does not cover a virtual machine
 * that is paused for longer: see `isHeld`.
 */
const marginMs = 50;
/** How long Redis must answer again before a lease is taken, in milliseconds: long enough for every edge to reconnect. */
const quarantineMs = 1_000;

/**
 * An edge whose lease ran out may have acknowledged writes without an invalidation: what was cached before is void.
 * Answers 1 when the edge was not in the set.
 */
const renew = new RedisScript(
  'renew',
  `${clockOfRedis}
  local lost = redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  local added = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  if lost > 0 or ARGV[4] == '1' then redis.call('DEL', KEYS[2]) end
  redis.call('PUBLISH', KEYS[3], ARGV[3])
  return added
`,
);

/** An invalidation that another edge has published. */
export interface Invalidation {
  /** Of the edge that published it. */
  edgeId: string;
  /** Number of the invalidation among those of that edge, which the acknowledgement names. */
  number: number;
  tags: string[];
}

interface Instant {
  /** By `performance.now()`. */
  time: number;
  /** Milliseconds since the epoch. */
  dateMs: number;
}

export interface LeaseHooks {
  /** Called before a lease is held again: what was cached before must be dropped. */
  onRegain: () => void;
  onInvalidation: (invalidation: Invalidation) => void;
  /** Another edge has acknowledged an invalidation of this one, by its number. */
  onAcknowledgement: (edgeId: string, number: number) => void;
}

/**
 * The right of this edge to give cached answers while others write: each write waits for the acknowledgement of every edge that
 * holds a lease.
 *
 * A lease is proved by a message that the renewal itself publishes to the channel of the invalidations: an edge that has received
 * it has received every invalidation before it, and a connection that is stuck proves nothing.
 */
export class RedisLease {
  readonly edgeId = randomBytes(9).toString('base64url');
  readonly #subscriber: RedisLink['client'];
  readonly #timer: NodeJS.Timeout;
  #quarantine: NodeJS.Timeout | undefined;
  /** When renewals were sent, by their number. */
  readonly #renewals = new Map<number, Instant>();
  #renewal = 0;
  #heldUntil = -Infinity;
  /** The same in milliseconds since the epoch. */
  #heldUntilDate = -Infinity;
  /** Only renewals after this one were sent while the subscription existed. */
  #unsubscribedUntil = 0;
  #isSubscribed = false;
  #wellSince: number | undefined;
  #wasUnavailable = false;
  /** When Redis was first found unreachable since its last answer. */
  #unavailableSince: number | undefined;
  /** By `performance.now()`: until then an edge may hold a lease that is missing in the set. */
  #setIsWholeAt = Infinity;
  /** How many invalidations Redis has missed since everything there was last voided. */
  #missed = 0;

  constructor(
    private readonly link: RedisLink,
    private readonly logger: Logger,
    private readonly hooks: LeaseHooks,
  ) {
    this.#subscriber = link.client.duplicate({ pingInterval: 500 });
    this.#subscribe();
    // The link's own listener ran first: the link is available by then.
    link.client.on('ready', () => this.#renewWhenStable());
    this.#timer = setInterval(() => this.#renewWhenStable(), renewalMs).unref();
  }

  /**
   * Never while Redis has missed an invalidation: neither memory nor Redis can be trusted then.
   *
   * Both clocks must agree. The monotonic clock of a virtual machine stops while the machine is paused, migrated or restored, but
   * its lease in Redis expires meanwhile. The wall clock shows the pause once the host or NTP has corrected it. Known limit: until
   * that correction, such a machine serves cached answers for up to the rest of its lease (1 s of its own running time), although
   * other edges no longer wait for it. A process can't detect that it was not running.
   */
  get isHeld(): boolean {
    return this.#missed === 0 && performance.now() < this.#heldUntil && Date.now() < this.#heldUntilDate;
  }

  /** Whether every lease that an edge may hold is in the set. */
  get isSetWhole(): boolean {
    return performance.now() >= this.#setIsWholeAt;
  }

  /** Redis has missed an invalidation: no lease is held until a renewal has voided everything. */
  noteMissed(): void {
    this.#missed++;
  }

  /** Redis was found unreachable. @returns since when, by `performance.now()` */
  noteUnavailable(): number {
    this.#unavailableSince ??= performance.now();
    return this.#unavailableSince;
  }

  noteAnswered(): void {
    this.#unavailableSince = undefined;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#quarantine);
    this.#heldUntil = -Infinity;
    this.#subscriber.destroy();
    // No write has to wait for the end of the lease. Without Redis it ends by itself.
    await this.link
      .ask((client) => client.zRem(redisNames.leases, this.edgeId))
      .catch((error: unknown) => {
        this.logger.debug({ err: error }, 'the lease could not be given back');
      });
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
        : subscriber.subscribe([redisNames.channel, redisNames.acknowledgements(this.edgeId)], (message, channel) =>
            this.#receive(message, channel),
          );
      register.then(
        () => {
          isRegistered = true;
          this.#unsubscribedUntil = this.#renewal;
          this.#isSubscribed = true;
          this.#renewWhenStable();
        },
        // The connection was lost meanwhile: the next one tries again.
        lost,
      );
    });
    // Rejects only when it is closed meanwhile; every failed attempt is an event `error`.
    subscriber.connect().catch(lost);
  }

  #renewWhenStable(): void {
    const time = performance.now();
    if (!this.link.answers || !this.#isSubscribed) {
      if (!this.link.answers) this.noteUnavailable();
      if (this.#wellSince !== undefined || !this.link.answers) this.#wasUnavailable = true;
      this.#wellSince = undefined;
      return;
    }
    this.noteAnswered();
    this.#wellSince ??= time;
    const quarantineLeftMs = this.#wasUnavailable ? this.#wellSince + quarantineMs - time : 0;
    clearTimeout(this.#quarantine);
    if (quarantineLeftMs > 0) {
      this.#quarantine = setTimeout(() => this.#renewWhenStable(), quarantineLeftMs).unref();
      return;
    }
    this.#wasUnavailable = false;
    this.#renew(time);
  }

  #renew(sentAt: number): void {
    const number = ++this.#renewal;
    this.#renewals.set(number, { time: sentAt, dateMs: Date.now() });
    this.#renewals.delete(number - 10);
    const missed = this.#missed;
    const message = JSON.stringify([this.edgeId, number]);
    const keys = [redisNames.leases, redisNames.generation, redisNames.channel];
    renew.run(this.link, keys, [this.edgeId, String(leaseMs), message, missed > 0 ? '1' : '0']).then(
      (added) => {
        this.#missed -= missed;
        this.noteAnswered();
        // An edge whose lease is in no set renews it until then, or it has ended.
        if (added === 1) this.#setIsWholeAt = performance.now() + leaseMs;
      },
      (error: unknown) => {
        if (error instanceof RedisUnavailable) this.noteUnavailable();
        else this.logger.debug({ err: error }, 'Redis refuses to renew the lease');
      },
    );
  }

  #receive(message: string, channel: string): void {
    const [edgeId, number, tags] = JSON.parse(message) as [string, number, string[] | undefined];
    if (channel !== redisNames.channel) return this.hooks.onAcknowledgement(edgeId, number);
    if (edgeId === this.edgeId) {
      if (!tags && number > this.#unsubscribedUntil) this.#prove(number);
    } else if (tags) this.hooks.onInvalidation({ edgeId, number, tags });
  }

  #prove(number: number): void {
    const sentAt = this.#renewals.get(number);
    if (sentAt === undefined) return;
    if (!this.isHeld) this.hooks.onRegain();
    // Renewals are proved in the order in which they were sent. No maximum: the wall clock may have been set back.
    this.#heldUntil = sentAt.time + leaseMs - marginMs;
    this.#heldUntilDate = sentAt.dateMs + leaseMs - marginMs;
  }
}
