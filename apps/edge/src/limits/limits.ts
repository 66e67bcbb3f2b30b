import { areaOf, type RestRoute } from '@rapport/contracts';
import type { AppError, Logger } from '@rapport/platform';
import type { Principal } from '../authenticator.js';
import { RedisAway, type RedisLink } from '../redis.js';
import { AdaptiveLimit } from './adaptive-limit.js';
import { AddressBudgets } from './address-budgets.js';
import { FailedAuthentications } from './failed-authentications.js';
import { figures } from './limit-metrics.js';
import type { LimitSettings } from './limit-settings.js';
import { MemoryBudgets } from './memory-budgets.js';
import { classOf, Places } from './places.js';
import { defaultPlan, Plans, refuseNarrowPlans, type Plan } from './plans.js';
import { ProvenCalls } from './proven-calls.js';
import { rateHeaders, type Charge, type RateHeaders } from './rate-headers.js';
import { RedisBudgets } from './redis-budgets.js';
import { RateLimited } from './refusals.js';

type ContractMethod = RestRoute['method'];
type Payer = Pick<Principal, 'caller' | 'plan'>;
type Method = Pick<ContractMethod, 'path'> & { policy: Pick<ContractMethod['policy'], 'trafficClass'> };

/** What a caller may have of the edge: units of a rate, and places to be worked on at the same time. */
export class Limits {
  readonly failedAuthentications: FailedAuthentications;
  readonly provenCalls: ProvenCalls;
  readonly #plans: Plans;
  /** What is left of each plan while Redis is away. */
  readonly #insured = new Map<Plan, Plan>();
  readonly #shared: RedisBudgets | undefined;
  readonly #own = new MemoryBudgets();
  /** Budgets of unproven ids. Callers choose them freely, so they are kept apart: a flood must not evict the budgets of keys. */
  readonly #unproven = new MemoryBudgets();
  readonly #ofAddresses: AddressBudgets;
  readonly #places = { bulk: new Places('bulk'), feed: new Places('feed') };
  /** By area of the contract: a service that is slow takes nothing from the others. */
  readonly #interactive = new Map<string, { places: Places; limit: AdaptiveLimit }>();

  /**
   * @param redis makes the rates those of all edges together; without it each process counts for itself
   * @param dearest what the dearest operation costs, in units
   * @throws Error when a plan could never pay that
   */
  constructor(
    private readonly settings: LimitSettings,
    redis: RedisLink | undefined,
    private readonly logger: Logger,
    private readonly dearest: number,
  ) {
    refuseNarrowPlans(settings.plans, dearest);
    this.#plans = new Plans(settings.plans, logger);
    this.#shared = redis && new RedisBudgets(redis);
    this.failedAuthentications = new FailedAuthentications(settings.failedAuthentications);
    this.#ofAddresses = new AddressBudgets(settings.anonymousUnits);
    this.provenCalls = new ProvenCalls(settings.failedAuthentications);
  }

  /**
   * Takes what an operation costs from the budgets of the key and of its tenant. At once when the budgets are in memory.
   *
   * @param cost units, at least 1
   * @throws RateLimited when one of them has too little left; then nothing was spent
   */
  charge(principal: Payer, cost: number): RateHeaders | Promise<RateHeaders> {
    return this.#charge(principal, cost, this.#own);
  }

  /**
   * The same for a public call, from a budget as the default plan has it for a key.
   *
   * @param owner whose secret is to prove the call
   */
  chargeOwner(owner: string, cost: number): RateHeaders | Promise<RateHeaders> {
    const id = `proven:${owner}`;
    const payer = { caller: { tenantId: id, principalId: id, permissions: [] }, plan: defaultPlan };
    return this.#charge(payer, cost, this.#unproven);
  }

  /**
   * Charges a call without a credential to the budget of its address, which is always in memory.
   *
   * @returns AppError RESOURCE_EXHAUSTED RATE_LIMITED if too little is left; then nothing is spent
   */
  chargeAddress(address: string, cost: number): AppError | undefined {
    return this.#ofAddresses.charge(address, cost);
  }

  /**
   * Takes a place for a call.
   *
   * @param principal absent for a method that is public
   * @returns gives the place back; calling it again does nothing
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT, UNAVAILABLE OVERLOADED
   */
  enter({ path, policy }: Method, principal: Principal | undefined): () => void {
    const name = classOf(policy.trafficClass);
    const plan = this.#plans.of(principal?.plan ?? defaultPlan);
    const tenantId = principal?.caller.tenantId ?? '';
    if (name !== 'interactive') return this.#places[name].enter(tenantId, plan, this.settings.places[name]);
    const { places, limit } = this.#interactiveOf(path);
    return places.enter(tenantId, plan, limit.current);
  }

  /**
   * Learns from how long a call takes how many of its service may be worked on.
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
  async during<Answer>(method: Method, principal: Principal | undefined, call: () => Promise<Answer>): Promise<Answer> {
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

  #interactiveOf(path: string): { places: Places; limit: AdaptiveLimit } {
    const area = areaOf(path);
    let interactive = this.#interactive.get(area);
    if (!interactive) {
      const limit = new AdaptiveLimit(this.settings.places.interactive, this.settings.slowCallMs);
      interactive = { places: new Places('interactive'), limit };
      this.#interactive.set(area, interactive);
      figures.interactiveLimits.set(area, () => limit.current);
    }
    return interactive;
  }

  #charge(principal: Payer, cost: number, own: MemoryBudgets): RateHeaders | Promise<RateHeaders> {
    if (this.#shared) return this.#chargeShared(this.#shared, principal, cost, own);
    const charge = own.charge(principal.caller, this.#plans.of(principal.plan), cost);
    figures.charges[charge.passed ? 'passed' : 'refused'] += 1;
    return settle(charge, cost);
  }

  async #chargeShared(shared: RedisBudgets, principal: Payer, cost: number, own: MemoryBudgets): Promise<RateHeaders> {
    const plan = this.#plans.of(principal.plan);
    const charge = await shared.charge(principal.caller, plan, cost).catch((error: unknown) => this.#missed(error));
    figures.isInsured = charge === undefined;
    if (charge) {
      figures.charges[charge.passed ? 'passed' : 'refused'] += 1;
      return settle(charge, cost);
    }
    const insured = own.charge(principal.caller, this.#insuredPart(plan), cost);
    figures.charges[insured.passed ? 'insured_passed' : 'insured_refused'] += 1;
    return settle(insured, cost);
  }

  /** The same object each time, as its headers are made once. */
  #insuredPart(plan: Plan): Plan {
    let part = this.#insured.get(plan);
    if (!part) this.#insured.set(plan, (part = insuredPart(plan, this.settings.edges, this.dearest)));
    return part;
  }

  #missed(error: unknown): undefined {
    // The link says once that Redis is away; what Redis itself answers, such as that it is full, nobody else says.
    if (!(error instanceof RedisAway)) this.logger.warn({ err: error }, 'Redis did not charge');
  }
}

function settle(charge: Charge, cost: number): RateHeaders {
  const headers = rateHeaders(charge);
  if (!charge.passed) throw new RateLimited(charge, cost, headers);
  return headers;
}

/**
 * What one edge grants while Redis is away: its part of every rate, so that all edges together grant no more, but never less
 * than one of the dearest operations, which nobody could call at all otherwise.
 */
function insuredPart(plan: Plan, edges: number, dearest: number): Plan {
  const part = (units: number) => Math.max(dearest, Math.floor(units / edges));
  return { ...plan, keyUnits: part(plan.keyUnits), tenantUnits: part(plan.tenantUnits) };
}
