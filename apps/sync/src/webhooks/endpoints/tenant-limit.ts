/** Bounds concurrent tasks per tenant, so that tasks waiting for a tenant's locks take no more connections than that. */
export class TenantLimit {
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(private readonly most: number) {}

  async run<Result>(tenantId: string, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(tenantId);
    try {
      return await work();
    } finally {
      this.#leave(tenantId);
    }
  }

  async #enter(tenantId: string): Promise<void> {
    const running = this.#running.get(tenantId) ?? 0;
    if (running < this.most) {
      this.#running.set(tenantId, running + 1);
      return;
    }
    const waiting = this.#waiting.get(tenantId) ?? [];
    this.#waiting.set(tenantId, waiting);
    // Passes the place to the next waiting task.
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  #leave(tenantId: string): void {
    const waiting = this.#waiting.get(tenantId) ?? [];
    const next = waiting.shift();
    if (waiting.length === 0) this.#waiting.delete(tenantId);
    if (next) return next();
    const running = (this.#running.get(tenantId) ?? 1) - 1;
    if (running === 0) this.#running.delete(tenantId);
    else this.#running.set(tenantId, running);
  }
}
