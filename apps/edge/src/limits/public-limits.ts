import { createHash } from 'node:crypto';
import { AppError, blockOf, type Logger } from '@rapport/platform';
import { RedisUnavailable, type RedisLink } from '../redis/redis.js';
import type { PublicLimitSettings } from './limit-settings.js';
import { Places } from './places.js';
import { figures } from './limit-metrics.js';
import { windowSeconds } from './plans.js';
import { FixedWindows, inSeconds } from './rate-limits.js';
import { chargePair, type PairCharge } from './redis-budgets.js';

/** The part of the places that one block of addresses may have at most: others always find one. */
const greatestShare = 0.25;

/**
 * The limits of public pages, apart from those of all other calls: no reader of pages takes a place or a unit from a key. Each call is
 * charged to the block of its address and to its link, as shared by all edges, or in memory while Redis is unreachable.
 */
export class PublicLimits {
  readonly #places = new Places('public');
  readonly #blocks = new FixedWindows(windowSeconds * 1_000);
  readonly #links = new FixedWindows(windowSeconds * 1_000);

  /**
   * @param redis shares the counts among all edges
   * @param edges how many there are at most: each grants its part of a rate while Redis is unreachable
   */
  constructor(
    private readonly settings: PublicLimitSettings,
    private readonly redis: RedisLink | undefined,
    private readonly edges: number,
    private readonly logger: Logger,
  ) {
    figures.placesLimits.public = settings.places;
  }

  /**
   * Charges both budgets, or none when one of them has too little left.
   *
   * @param token of the link
   * @throws AppError RESOURCE_EXHAUSTED RATE_LIMITED
   */
  async charge(address: string, token: string, cost: number): Promise<void> {
    const { blockUnits, linkUnits } = this.settings;
    // A token is never stored, not even for a minute.
    const link = createHash('sha256').update(token).digest('base64url');
    const ids: [string, string] = [`rate:block:${blockOf(address)}`, `rate:link:${link}`];
    const shared = await this.#chargeShared(ids, [blockUnits, linkUnits], cost);
    const charge = shared ?? this.#chargeOwn(ids, [this.#part(blockUnits, cost), this.#part(linkUnits, cost)], cost);
    if (charge.passed) return;
    throw new AppError('RESOURCE_EXHAUSTED', 'RATE_LIMITED', 'Too many calls came from here, or for this link.', {
      retryAfterSeconds: inSeconds(Math.max(...charge.resetMs)),
      metadata: { budget: 'public', cost: String(cost) },
    });
  }

  /** Takes a place. @returns gives it back @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT, UNAVAILABLE OVERLOADED */
  enter(address: string): () => void {
    const { places } = this.settings;
    const most = { places: { public: Math.max(1, Math.floor(places * greatestShare)) } };
    return this.#places.enter(blockOf(address), most, places);
  }

  async #chargeShared(ids: [string, string], limits: [number, number], cost: number): Promise<PairCharge | undefined> {
    if (!this.redis) return undefined;
    return chargePair(this.redis, ids, limits, cost).catch((error: unknown) => {
      // The link logs an outage of Redis once.
      if (!(error instanceof RedisUnavailable)) this.logger.warn({ err: error }, 'Redis did not charge a public page');
      return undefined;
    });
  }

  #part(units: number, cost: number): number {
    return this.redis ? Math.max(cost, Math.floor(units / this.edges)) : units;
  }

  #chargeOwn([block, link]: [string, string], limits: [number, number], cost: number): PairCharge {
    const now = performance.now();
    const windows = [this.#blocks.current(block, now), this.#links.current(link, now)];
    const isOver = windows.map(({ used }, index) => used + cost > (limits[index] ?? 0));
    const passed = !isOver.includes(true);
    if (passed) for (const window of windows) window.used += cost;
    return { passed, resetMs: windows.map(({ endsAt }, index) => (isOver[index] ? endsAt - now : 0)) };
  }
}
