interface Waiter {
  admit: () => void;
}

/**
 * Places that tenants share: each has so many at most, and of those who wait for one each tenant has its turn, however many of
 * another wait.
 */
export class FairPlaces {
  #used = 0;
  readonly #usedBy = new Map<string, number>();
  /** Queues by tenant, in the order of their turns. */
  readonly #waiting = new Map<string, Waiter[]>();

  /** @param perTenant no tenant has more places than it says of it */
  constructor(
    private readonly size: number,
    private readonly perTenant: (tenant: string) => number,
  ) {}

  /** Whether the tenant has all places that it may have. */
  isFull(tenant: string): boolean {
    return this.#usedOf(tenant) >= this.perTenant(tenant);
  }

  /** Takes a place at once, unless there is none for the tenant or others of it wait. @returns whether it did */
  tryEnter(tenant: string): boolean {
    if (this.#waiting.has(tenant) || !this.#hasRoom(tenant)) return false;
    this.#take(tenant);
    return true;
  }

  /**
   * Takes a place as soon as there is one. Each is to be given back by `leave`.
   *
   * @throws the reason of `signal` when that is aborted before
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

  /** Admits those for whom there is room, one of each tenant in turn. */
  #admitNext(): void {
    for (const [tenant, queue] of this.#waiting) {
      if (this.#used >= this.size) return;
      if (!this.#hasRoom(tenant)) continue;
      const waiter = queue.shift();
      this.#waiting.delete(tenant);
      // Behind the others, where the loop comes to it again.
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
