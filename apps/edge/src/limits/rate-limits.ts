import { AppError, type Caller, type Logger } from '@rapport/platform';
import { RedisUnavailable, type RedisLink } from '../redis/redis.js';
import { figures } from './limit-metrics.js';
import { windowSeconds, type Charge, type Payer, type Plan } from './plans.js';
import { RedisBudgets } from './redis-budgets.js';

/**
 * The rate headers of an answer, by their names, ready to be sent.
 * Source: draft-ietf-httpapi-ratelimit-headers-11.
 */
export interface RateHeaders {
  readonly 'ratelimit-policy': string;
  readonly ratelimit: string;
}

/** The rates of keys and tenants: budgets of units that operations are charged to. */
export class RateLimits {
  readonly #shared: RedisBudgets | undefined;
  readonly #own = new MemoryBudgets();
  /** Budgets of unproven ids. Callers choose them freely, so they are kept apart: a flood must not evict the budgets of keys. */
  readonly #unproven = new MemoryBudgets();
  /** The fallback plans while Redis is unreachable. The same objects each time: see `rateHeaders`. */
  readonly #fallbacks = new Map<Plan, Plan>();

  /**
   * @param redis shares the counts among all edges; without it, each process keeps its own
   * @param edges how many there are at most: each grants its part of a rate while Redis is unreachable
   * @param highestCost of an operation, in units
   */
  constructor(
    private readonly standard: Plan,
    redis: RedisLink | undefined,
    private readonly edges: number,
    private readonly highestCost: number,
    private readonly logger: Logger,
  ) {
    this.#shared = redis && new RedisBudgets(redis);
  }

  /**
   * Charges the cost of an operation to the budgets of the key and of its tenant. Synchronous when the budgets are in
   * memory and have enough.
   *
   * @param cost units, at least 1
   * @returns rejects with RateLimited when one of them has too little left; then nothing was spent
   */
  charge(principal: Payer, cost: number): RateHeaders | Promise<RateHeaders> {
    return this.#charge(principal, cost, this.#own);
  }

  /**
   * The same for a public call, from a budget as the default plan has it for a key.
   *
   * @param owner of the secret that is to prove the call
   */
  chargeOwner(owner: string, cost: number): RateHeaders | Promise<RateHeaders> {
    const id = `proven:${owner}`;
    const payer = { caller: { tenantId: id, principalId: id, permissions: [] }, plan: this.standard };
    return this.#charge(payer, cost, this.#unproven);
  }

  /** What is left of both budgets. Those of this process while Redis is unreachable. */
  async left({ caller, plan }: Payer): Promise<Charge> {
    const shared = await this.#shared?.charge(caller, plan, 0).catch((error: unknown) => this.#noteFailed(error));
    if (shared) return shared;
    return this.#own.charge(caller, this.#shared ? this.#fallbackOf(plan) : plan, 0);
  }

  #charge({ caller, plan }: Payer, cost: number, own: MemoryBudgets): RateHeaders | Promise<RateHeaders> {
    if (this.#shared) return this.#chargeShared(this.#shared, caller, plan, cost, own);
    const charge = own.charge(caller, plan, cost);
    figures.charges[charge.passed ? 'passed' : 'refused'] += 1;
    return charge.passed ? rateHeaders(charge) : Promise.reject(new RateLimited(charge, cost));
  }

  async #chargeShared(
    shared: RedisBudgets,
    caller: Caller,
    plan: Plan,
    cost: number,
    own: MemoryBudgets,
  ): Promise<RateHeaders> {
    const answered = await shared.charge(caller, plan, cost).catch((error: unknown) => this.#noteFailed(error));
    figures.isFallback = answered === undefined;
    const charge = answered ?? own.charge(caller, this.#fallbackOf(plan), cost);
    const outcome = charge.passed ? 'passed' : 'refused';
    figures.charges[answered ? outcome : (`fallback_${outcome}` as const)] += 1;
    if (!charge.passed) throw new RateLimited(charge, cost);
    return rateHeaders(charge);
  }

  /**
   * The rates of one edge while Redis is unreachable: its part of every rate, so that all edges together grant no more, but
   * at least the highest cost of an operation, which no caller could pay otherwise.
   */
  #fallbackOf(plan: Plan): Plan {
    let fallback = this.#fallbacks.get(plan);
    if (!fallback) {
      const part = (units: number) => Math.max(this.highestCost, Math.floor(units / this.edges));
      fallback = { ...plan, keyUnits: part(plan.keyUnits), tenantUnits: part(plan.tenantUnits) };
      this.#fallbacks.set(plan, fallback);
    }
    return fallback;
  }

  #noteFailed(error: unknown): undefined {
    // The link logs an outage of Redis once; an error that Redis itself answers, such as that it is full, is logged only
    // here.
    if (!(error instanceof RedisUnavailable)) this.logger.warn({ err: error }, 'Redis did not charge');
  }
}

/** RESOURCE_EXHAUSTED RATE_LIMITED: answered as 429 with the rate headers. */
export class RateLimited extends AppError {
  readonly headers: RateHeaders;

  constructor(charge: Charge, cost: number) {
    // When both have too little left, the later of them decides.
    const byKey = charge.keyLeft < cost ? charge.keyResetMs : 0;
    const byTenant = charge.tenantLeft < cost ? charge.tenantResetMs : 0;
    const budget = byKey > 0 ? 'key' : 'tenant';
    super('RESOURCE_EXHAUSTED', 'RATE_LIMITED', `This costs ${cost} units, and less is left for the ${budget}.`, {
      retryAfterSeconds: inSeconds(Math.max(byKey, byTenant)),
      metadata: { budget, cost: String(cost) },
    });
    this.headers = rateHeaders(charge);
  }
}

const policies = new WeakMap<Plan, string>();

function rateHeaders(charge: Charge): RateHeaders {
  const { plan } = charge;
  let policy = policies.get(plan);
  if (policy === undefined) {
    policy = `"key";q=${plan.keyUnits};w=${windowSeconds}, "tenant";q=${plan.tenantUnits};w=${windowSeconds}`;
    policies.set(plan, policy);
  }
  const key = `"key";r=${charge.keyLeft};t=${inSeconds(charge.keyResetMs)}`;
  const tenant = `"tenant";r=${charge.tenantLeft};t=${inSeconds(charge.tenantResetMs)}`;
  return { 'ratelimit-policy': policy, ratelimit: `${key}, ${tenant}` };
}

/** Rounded up: the budget has reset by then. */
export function inSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

/**
 * The budgets of keys and tenants in the memory of this process: fixed windows that begin with the first charge.
 * Synchronous and about a microsecond a charge, because it is on the path of cached answers.
 */
export class MemoryBudgets {
  readonly #keys = new FixedWindows(windowSeconds * 1_000);
  readonly #tenants = new FixedWindows(windowSeconds * 1_000);

  /** Takes `cost` from both budgets, or from none when one of them has too little left. */
  charge({ principalId, tenantId }: Caller, plan: Plan, cost: number): Charge {
    const now = performance.now();
    const key = this.#keys.current(principalId, now);
    const tenant = this.#tenants.current(tenantId, now);
    const passed = key.used + cost <= plan.keyUnits && tenant.used + cost <= plan.tenantUnits;
    if (passed) {
      key.used += cost;
      tenant.used += cost;
    }
    return {
      plan,
      passed,
      // A plan that became smaller may leave less than nothing.
      keyLeft: Math.max(0, plan.keyUnits - key.used),
      keyResetMs: key.endsAt - now,
      tenantLeft: Math.max(0, plan.tenantUnits - tenant.used),
      tenantResetMs: tenant.endsAt - now,
    };
  }
}

/** Most ids that have a window. Beyond it, the least recently used start a new window. */
const maxWindows = 50_000;

export interface FixedWindow {
  used: number;
  /** By `performance.now()`. */
  endsAt: number;
}

/** Windows of one length, each of which begins when its id is first asked for, and again when it has ended. */
export class FixedWindows {
  /** Two generations of half of them each, and no cache of so many entries: that takes 10 ms of a start to lay out. */
  #recent = new Map<string, FixedWindow>();
  #older: ReadonlyMap<string, FixedWindow> = new Map();

  /** @param lengthMs in milliseconds */
  constructor(private readonly lengthMs: number) {}

  /** @param now by `performance.now()`. @returns the window that has not ended, to be counted in */
  current(id: string, now: number): FixedWindow {
    const recent = this.#recent.get(id);
    if (recent !== undefined && now < recent.endsAt) return recent;
    const older = recent ?? this.#older.get(id);
    const isOpen = older !== undefined && now < older.endsAt;
    return this.#keep(id, isOpen ? older : { used: 0, endsAt: now + this.lengthMs });
  }

  #keep(id: string, window: FixedWindow): FixedWindow {
    if (this.#recent.size >= maxWindows / 2) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(id, window);
    return window;
  }
}
