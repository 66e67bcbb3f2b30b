import type { Caller } from '@rapport/platform';
import { FixedWindows } from './fixed-window.js';
import type { Plan } from './plans.js';
import { windowSeconds, type Charge } from './rate-headers.js';

const windowMs = windowSeconds * 1_000;

/**
 * The budgets of keys and tenants in the memory of this process: fixed windows that begin with the first charge.
 * Synchronous and about a microsecond a charge, because it is on the path of cached answers.
 */
export class MemoryBudgets {
  readonly #keys = new FixedWindows(windowMs);
  readonly #tenants = new FixedWindows(windowMs);

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
