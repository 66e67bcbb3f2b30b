interface Waiter {
  admit: () => void;
}

/**
 * A semaphore that tenants share fairly: each holds a limited number of slots, and waiting tenants take turns, however
 * many requests each has in its queue.
 */
export class FairSlots {
  #used = 0;
  readonly #usedBy = new Map<string, number>();
  /** Queues by tenant, in round-robin order. */
  readonly #waiting = new Map<string, Waiter[]>();

  /** @param perTenant the most slots that a tenant holds */
  constructor(
    private readonly size: number,
    private readonly perTenant: (tenant: string) => number,
  ) {}

  /** Whether the tenant holds its full share. */
  isFull(tenant: string): boolean {
    return this.#usedOf(tenant) >= this.perTenant(tenant);
  }

  /** Takes a slot without waiting. @returns false when the tenant has none free or already has waiters */
  tryEnter(tenant: string): boolean {
    if (this.#waiting.has(tenant) || !this.#hasRoom(tenant)) return false;
    this.#take(tenant);
    return true;
  }

  /**
   * Waits for a slot. Release each one with `leave`.
   *
   * @throws the reason of `signal` when it aborts first
   */
  enter(tenant: string, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.tryEnter(tenant)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => {
      this.#forget(tenant, waiter);
      reject(signal?.reason as Error);
    };
    const waiter: Waiter = {
      admit: () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      },
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    const queue = this.#waiting.get(tenant);
    if (queue) queue.push(waiter);
    else this.#waiting.set(tenant, [waiter]);
    return promise;
  }

  leave(tenant: string): void {
    this.#used -= 1;
    const left = this.#usedOf(tenant) - 1;
    if (left === 0) this.#usedBy.delete(tenant);
    else this.#usedBy.set(tenant, left);
    this.#admitNext();
  }

  /** Admits waiters while there is room, one of each tenant in turn. */
  #admitNext(): void {
    for (const [tenant, queue] of this.#waiting) {
      if (this.#used >= this.size) return;
      if (!this.#hasRoom(tenant)) continue;
      const waiter = queue.shift();
      this.#waiting.delete(tenant);
      // Reinserted behind the others, so that the loop returns to it later.
      if (queue.length > 0) this.#waiting.set(tenant, queue);
      this.#take(tenant);
      waiter?.admit();
    }
  }

  #hasRoom(tenant: string): boolean {
    return this.#used < this.size && !this.isFull(tenant);
  }

  #take(tenant: string): void {
    this.#used += 1;
    this.#usedBy.set(tenant, this.#usedOf(tenant) + 1);
  }

  #usedOf(tenant: string): number {
    return this.#usedBy.get(tenant) ?? 0;
  }

  #forget(tenant: string, waiter: Waiter): void {
    const queue = this.#waiting.get(tenant)?.filter((other) => other !== waiter) ?? [];
    if (queue.length > 0) this.#waiting.set(tenant, queue);
    else this.#waiting.delete(tenant);
  }
}
