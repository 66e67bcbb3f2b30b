import type { ClaimedRun, RunRoom } from './claim-runs.js';

/** Maximum number of runs that a process advances at the same time. */
const maxRuns = { total: 40, perTenant: 12 };

/** The runs that this process has claimed. */
export class RunsInFlight {
  #total = 0;
  readonly #tenants = new Map<string, number>();

  get room(): RunRoom {
    const tenants = [...this.#tenants].map(([id, count]) => [id, maxRuns.perTenant - count] as const);
    return { total: maxRuns.total - this.#total, perTenant: maxRuns.perTenant, tenants: new Map(tenants) };
  }

  begin({ tenantId }: ClaimedRun): void {
    this.#total += 1;
    this.#tenants.set(tenantId, (this.#tenants.get(tenantId) ?? 0) + 1);
  }

  end({ tenantId }: ClaimedRun): void {
    this.#total -= 1;
    const count = (this.#tenants.get(tenantId) ?? 0) - 1;
    if (count > 0) this.#tenants.set(tenantId, count);
    else this.#tenants.delete(tenantId);
  }
}
