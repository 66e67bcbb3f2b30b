import type { Plan } from './plans.js';

/** Length of every budget's window, in seconds. */
export const windowSeconds = 60;

/**
 * The rate headers of an answer, by their names, ready to be sent.
 * Source: draft-ietf-httpapi-ratelimit-headers-11.
 */
export interface RateHeaders {
  readonly 'ratelimit-policy': string;
  readonly ratelimit: string;
}

/** What became of a charge, and what is left of both budgets after it. */
export interface Charge {
  plan: Plan;
  /** False: nothing was spent. */
  passed: boolean;
  keyLeft: number;
  /** Until the key's budget is whole again, in milliseconds. */
  keyResetMs: number;
  tenantLeft: number;
  tenantResetMs: number;
}

const policies = new WeakMap<Plan, string>();

export function rateHeaders(charge: Charge): RateHeaders {
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

/** Rounded up: who waits so long finds the budget whole. */
export function inSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
