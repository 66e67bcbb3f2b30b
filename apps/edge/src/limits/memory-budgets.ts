import type { Caller } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import type { Plan } from './plans.js';
import { windowSeconds, type Charge } from './rate-headers.js';

const windowMs = windowSeconds * 1_000;
/** Most keys and most tenants whose budgets are known. Beyond it the one that was quiet longest starts anew. */
const maxBudgets = 50_000;

interface Window {
  used: number;
  /** By `performance.now()`. */
  endsAt: number;
}

/**
 * The budgets of keys and tenants in the memory of this process: fixed windows that begin with the first charge.
 * Synchronous and about a microsecond a charge, because it is on the path of cached answers.
 */
export class MemoryBudgets {
  readonly #keys = new LRUCache<string, Window>({ max: maxBudgets });
  readonly #tenants = new LRUCache<string, Window>({ max: maxBudgets });

  /** Takes `cost` from both budgets, or from none when one of them has too little left. */
  charge({ principalId, tenantId }: Caller, plan: Plan, cost: number): Charge {
    const now = performance.now();
    const key = current(this.#keys, principalId, now);
    const tenant = current(this.#tenants, tenantId, now);
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

function current(windows: LRUCache<string, Window>, id: string, now: number): Window {
  const known = windows.get(id);
  if (known !== undefined && now < known.endsAt) return known;
  const fresh = { used: 0, endsAt: now + windowMs };
  windows.set(id, fresh);
  return fresh;
}
