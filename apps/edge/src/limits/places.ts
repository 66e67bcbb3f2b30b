import { areaOf, type RestRoute } from '@rapport/contracts';
import { TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { figures } from './limit-metrics.js';
import type { LimitSettings } from './limit-settings.js';
import { LoopDelay } from './loop-delay.js';
import type { Payer, PerClass, Plan } from './plans.js';
import { overloaded, tooManyConcurrent } from './refusals.js';

type ClassName = keyof PerClass | 'public';
type ContractMethod = RestRoute['method'];
type Method = Pick<ContractMethod, 'path'> & { policy: Pick<ContractMethod['policy'], 'trafficClass'> };

/** The part of a class's places that one tenant may have at most, whatever its plan says: others always find one. */
const greatestShare = 0.75;

/** Places for all calls of an edge: a number for each class of traffic, and of interactive calls one that adapts for each service. */
export class CallPlaces {
  readonly #places = { bulk: new Places('bulk'), feed: new Places('feed') };
  /** By area of the contract: a slow service takes no places from the others. */
  readonly #interactive = new Map<string, InteractivePlaces>();
  /** The same by path of the method, looked up on each call. */
  readonly #interactiveByPath = new Map<string, InteractivePlaces>();

  constructor(
    private readonly settings: Pick<LimitSettings, 'places' | 'slowCallMs'>,
    private readonly standard: Plan,
  ) {
    Object.assign(figures.placesLimits, settings.places);
  }

  /**
   * Takes a place for a call.
   *
   * @param principal absent for a method that is public
   * @returns gives the place back; calling it again does nothing
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT, UNAVAILABLE OVERLOADED
   */
  enter({ path, policy }: Method, principal: Payer | undefined): () => void {
    const name = classOf(policy.trafficClass);
    const plan = principal?.plan ?? this.standard;
    const tenantId = principal?.caller.tenantId ?? '';
    if (name !== 'interactive') return this.#places[name].enter(tenantId, plan, this.settings.places[name]);
    const { places, limit } = this.#interactiveOf(path);
    return places.enter(tenantId, plan, limit.current);
  }

  /**
   * Adapts the service's limit to the duration of a call.
   *
   * @returns to be called when the service has answered; calling it again does nothing
   */
  watch({ path, policy }: Method): () => void {
    return classOf(policy.trafficClass) === 'interactive' ? this.#interactiveOf(path).limit.watch() : () => undefined;
  }

  /**
   * Makes a call that has a place, and is watched, until it is answered.
   *
   * @throws what `enter` and the call throw
   */
  async during<Answer>(method: Method, principal: Payer | undefined, call: () => Promise<Answer>): Promise<Answer> {
    const leave = this.enter(method, principal);
    const answered = this.watch(method);
    try {
      return await call();
    } finally {
      answered();
      leave();
    }
  }

  close(): void {
    for (const { limit } of this.#interactive.values()) limit.close();
  }

  #interactiveOf(path: string): InteractivePlaces {
    const known = this.#interactiveByPath.get(path);
    if (known) return known;
    const area = areaOf(path);
    const interactive = this.#interactive.get(area) ?? this.#addInteractive(area);
    this.#interactiveByPath.set(path, interactive);
    return interactive;
  }

  #addInteractive(area: string): InteractivePlaces {
    const limit = new AdaptiveLimit(this.settings.places.interactive, this.settings.slowCallMs);
    const interactive = { places: new Places('interactive'), limit };
    this.#interactive.set(area, interactive);
    figures.interactiveLimits.set(area, () => limit.current);
    return interactive;
  }
}

interface InteractivePlaces {
  places: Places;
  limit: AdaptiveLimit;
}

function classOf(trafficClass: TrafficClass): keyof PerClass {
  switch (trafficClass) {
    case TrafficClass.UNSPECIFIED:
    case TrafficClass.INTERACTIVE:
      return 'interactive';
    case TrafficClass.BULK:
      return 'bulk';
    case TrafficClass.FEED:
      return 'feed';
    case TrafficClass.PUBLIC:
      throw new Error('Public pages have limits of their own.');
    default:
      return trafficClass satisfies never;
  }
}

/** Most places of one tenant, or of another owner of calls. */
interface PlacesOfOne {
  readonly places: Readonly<Partial<Record<ClassName, number>>>;
}

/** The places of one class of traffic: how many calls this process works on at the same time. */
export class Places {
  #used = 0;
  readonly #usedByTenant = new Map<string, number>();

  constructor(private readonly name: ClassName) {}

  /**
   * Takes a place at once or not at all.
   *
   * @param size how many places there are now
   * @returns gives the place back; calling it again does nothing
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT, UNAVAILABLE OVERLOADED
   */
  enter(tenantId: string, { places }: PlacesOfOne, size: number): () => void {
    const ofTenant = this.#usedByTenant.get(tenantId) ?? 0;
    if (ofTenant >= (places[this.name] ?? size)) {
      figures.shed.too_many_concurrent += 1;
      throw tooManyConcurrent(this.name);
    }
    const share = Math.max(1, Math.floor(size * greatestShare));
    if (ofTenant >= share || (this.#used >= size && this.#usedWithin(share) >= size)) {
      figures.shed.overloaded += 1;
      throw overloaded(this.name);
    }
    this.#used += 1;
    this.#usedByTenant.set(tenantId, ofTenant + 1);
    figures.placesUsed[this.name] += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(tenantId);
    };
  }

  /**
   * Places in use, without what tenants hold beyond their share. When the number of places shrinks, a tenant with slow calls holds
   * more than there are for as long as these take: others must not wait for that.
   */
  #usedWithin(share: number): number {
    return [...this.#usedByTenant.values()].reduce((sum, used) => sum + Math.min(used, share), 0);
  }

  #leave(tenantId: string): void {
    this.#used -= 1;
    figures.placesUsed[this.name] -= 1;
    const ofTenant = (this.#usedByTenant.get(tenantId) ?? 1) - 1;
    if (ofTenant === 0) this.#usedByTenant.delete(tenantId);
    else this.#usedByTenant.set(tenantId, ofTenant);
  }
}

/** How often the limit is adapted, in milliseconds. */
const intervalMs = 500;
/** Fewest slow calls of an interval that count, and the part of all calls above which they mean overload. */
const fewestSlow = 5;
const tolerated = 0.1;
/**
 * An event loop that is late by more than this part of a slow call's time means that this process itself is overloaded. A busy but
 * healthy process is late by up to a few milliseconds.
 */
const lateLoop = 0.2;
const tolerableDelayMs = 10;
/**
 * The new limit after an interval of overload: as a part of the calls in progress, and of the limit when these are far
 * fewer.
 */
const decreaseOfUsed = 0.8;
const decreaseOfLimit = 0.5;
/** Parts of the greatest limit: the minimum, and the step up after an interval without overload. */
const least = 0.01;
const increase = 0.05;

/**
 * How many calls may be worked on at the same time, as learned from how long they take: half as many,
 * but not less than four fifths of those at work, in each interval in which many calls are slow or not answered at all, and
 * a fixed step more in each other one. Additive increase, multiplicative decrease, with a latency in the place of a lost packet.
 * Sources: RFC 5681 section 3.1; AIMDLimit of Netflix's concurrency-limits.
 */
export class AdaptiveLimit {
  readonly #running = new Set<{ startedAt: number }>();
  /** While there is something to adapt to: calls, or a limit below the greatest. */
  #timer: NodeJS.Timeout | undefined;
  #delay: LoopDelay | undefined;
  #limit: number;
  #mostRunning = 0;
  #answered = 0;
  #slow = 0;

  /** @param slowCallMs a call that takes longer is a sign of overload */
  constructor(
    private readonly greatest: number,
    private readonly slowCallMs: number,
  ) {
    this.#limit = greatest;
  }

  get current(): number {
    return this.#limit;
  }

  /** @returns to be called when the call is answered; calling it again does nothing */
  watch(): () => void {
    this.#begin();
    const call = { startedAt: performance.now() };
    this.#running.add(call);
    this.#mostRunning = Math.max(this.#mostRunning, this.#running.size);
    return () => {
      if (!this.#running.delete(call)) return;
      this.#answered += 1;
      if (performance.now() - call.startedAt > this.slowCallMs) this.#slow += 1;
    };
  }

  /** Ends an interval. Called by a timer, which an interval without calls ends once the limit is the greatest again. */
  adapt(): void {
    const delayMs = this.#delay?.takeMeanMs() ?? 0;
    const overdue = this.#countOverdue();
    const slow = this.#slow + overdue;
    const isSlow = slow >= fewestSlow && slow > (this.#answered + overdue) * tolerated;
    // An event loop that is late while few calls wait, such as at a start, is no reason to refuse calls.
    const isLate = this.#mostRunning >= fewestSlow && delayMs > Math.max(this.slowCallMs * lateLoop, tolerableDelayMs);
    if (isSlow || isLate) {
      const used = Math.min(this.#limit, this.#mostRunning) * decreaseOfUsed;
      const fewer = Math.floor(Math.max(used, this.#limit * decreaseOfLimit));
      this.#limit = Math.max(Math.ceil(this.greatest * least), fewer);
    } else {
      this.#limit = Math.min(this.greatest, this.#limit + Math.ceil(this.greatest * increase));
    }
    if (this.#mostRunning === 0 && this.#limit === this.greatest) this.close();
    this.#answered = 0;
    this.#slow = 0;
    this.#mostRunning = this.#running.size;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay?.end();
    this.#timer = undefined;
    this.#delay = undefined;
  }

  #begin(): void {
    this.#timer ??= setInterval(() => this.adapt(), intervalMs).unref();
    this.#delay ??= new LoopDelay();
  }

  /** A frozen service gives no answer to measure: calls that wait too long count now, and in each interval. */
  #countOverdue(): number {
    const before = performance.now() - this.slowCallMs;
    let count = 0;
    for (const { startedAt } of this.#running) {
      // Calls are in the order of their start.
      if (startedAt > before) break;
      count += 1;
    }
    return count;
  }
}
