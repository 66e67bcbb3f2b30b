import type { Caller, Logger } from '@rapport/platform';
import { z } from 'zod';

/** A number for each class of traffic. */
export interface PerClass {
  interactive: number;
  bulk: number;
  feed: number;
}

/** How much the tenants of a plan may ask for. */
export interface Plan {
  /** Units that one key may spend in a minute. The contract has the cost of each operation. */
  readonly keyUnits: number;
  /** Units that all keys of a tenant may spend in a minute together. */
  readonly tenantUnits: number;
  /** Most calls of a tenant in progress on one edge; for interactive calls the limit applies to each service. */
  readonly places: Readonly<PerClass>;
}

/** A caller and its tenant's plan. */
export interface Payer {
  readonly caller: Caller;
  readonly plan: Plan;
}

/** Length of every budget's window, in seconds. */
export const windowSeconds = 60;

/** The outcome of a charge, and what is left of both budgets after it. */
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

/** The plan of every tenant for whom no other is named, and of those whose plan is unknown. */
export const defaultPlan = 'standard';

const standard: Plan = { keyUnits: 60_000, tenantUnits: 120_000, places: { interactive: 1_200, bulk: 16, feed: 50 } };

const units = z.int().min(1);
export const perClass = z.strictObject({ interactive: units, bulk: units, feed: units });
const planSchema = z.strictObject({ keyUnits: units, tenantUnits: units, places: perClass });

/** Plans by name. A limit that a plan lacks is that of the standard plan, which always exists. */
export const planSettings = z
  .record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a plan has a name such as "standard"'), planSchema.partial())
  .transform((plans) => {
    const named = Object.entries({ [defaultPlan]: {}, ...plans });
    return new Map<string, Plan>(named.map(([name, plan]) => [name, { ...standard, ...plan }]));
  });

/** Finds a tenant's plan. A name that is not configured means the default plan, and a warning, never no limit. */
export class Plans {
  /** The plan of calls without a tenant. */
  readonly standard: Plan;
  readonly #warned = new Set<string>();

  constructor(
    private readonly byName: ReadonlyMap<string, Plan>,
    private readonly logger: Logger,
  ) {
    const found = byName.get(defaultPlan);
    if (!found) throw new Error(`There is no plan ${defaultPlan}.`);
    this.standard = found;
  }

  of(name: string): Plan {
    const plan = this.byName.get(name);
    if (plan) return plan;
    // The names come from our own database: there are few.
    if (!this.#warned.has(name)) {
      this.#warned.add(name);
      this.logger.warn({ plan: name }, 'the plan is not configured, its tenants get the default plan');
    }
    return this.standard;
  }
}

/** @throws Error naming a plan that could never pay for the operation with the highest cost, in units */
export function refuseNarrowPlans(plans: ReadonlyMap<string, Plan>, highestCost: number): void {
  for (const [name, plan] of plans) {
    for (const field of ['keyUnits', 'tenantUnits'] as const) {
      if (plan[field] >= highestCost) continue;
      throw new Error(`RATE_PLANS: ${name}.${field} is ${plan[field]}, and one operation costs ${highestCost}.`);
    }
  }
}
