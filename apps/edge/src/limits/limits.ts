import type { Logger } from '@rapport/platform';
import type { RedisLink } from '../redis/redis.js';
import { AddressBudgets } from './address-budgets.js';
import { FailedAuthentications } from './failed-authentications.js';
import type { LimitSettings } from './limit-settings.js';
import { CallPlaces } from './places.js';
import { Plans, refuseNarrowPlans } from './plans.js';
import { ProvenCalls } from './proven-calls.js';
import { PublicLimits } from './public-limits.js';
import { RateLimits } from './rate-limits.js';

/** Everything that bounds the work of an edge. */
export class Limits {
  readonly plans: Plans;
  readonly rates: RateLimits;
  readonly addresses: AddressBudgets;
  readonly places: CallPlaces;
  readonly failedAuthentications: FailedAuthentications;
  readonly provenCalls: ProvenCalls;
  readonly public: PublicLimits;

  /**
   * @param redis shares the counts among all edges; without it, each process keeps its own
   * @param highestCost of an operation, in units
   * @throws Error when a plan could never pay that
   */
  constructor(settings: LimitSettings, redis: RedisLink | undefined, logger: Logger, highestCost: number) {
    refuseNarrowPlans(settings.plans, highestCost);
    this.plans = new Plans(settings.plans, logger);
    this.rates = new RateLimits(this.plans.standard, redis, settings.edges, highestCost, logger);
    this.addresses = new AddressBudgets(settings.anonymousUnits);
    this.places = new CallPlaces(settings, this.plans.standard);
    this.failedAuthentications = new FailedAuthentications(settings.failedAuthentications);
    this.public = new PublicLimits(settings.public, redis, settings.edges, logger);
    this.provenCalls = new ProvenCalls(settings.failedAuthentications);
  }

  close(): void {
    this.places.close();
  }
}
