import type { AppError } from '@rapport/platform';

/**
 * Speed limits of a client that sends or reads, in units such as bytes or customers. Only the time spent waiting for
 * the client counts.
 */
export interface ClientRates {
  /** Minimum without contention: this many units per `windowMs`, or the client loses its slot. */
  readonly least: number;
  readonly windowMs: number;
  /** Minimum under contention: below this many units per second it loses its slot to a tenant without one. */
  readonly slowPerSecond: number;
  /** Grace period before a client may count as slow, in milliseconds. */
  readonly slowAfterMs: number;
}

/** A slot, which a client holds while it sends or reads. */
export class BulkSlot {
  readonly #lost = new AbortController();
  /** When the current wait for the client began; undefined outside of a wait. */
  #waitsSince: number | undefined;
  /** Time waited for the client in the current window before that, and units moved in it. */
  #waitedMs = 0;
  #moved = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param tenantId of the client
   * @param tooSlow error of a lost slot
   * @param free called once when the slot is free again
   */
  constructor(
    readonly tenantId: string,
    private readonly rates: ClientRates,
    private readonly tooSlow: () => AppError,
    private readonly free: (place: BulkSlot) => void,
  ) {}

  /** Units per second. Infinite for a client that has hardly been waited for. */
  get rate(): number {
    const waitedMs = this.#waited();
    return waitedMs < this.rates.slowAfterMs ? Number.POSITIVE_INFINITY : (this.#moved * 1_000) / waitedMs;
  }

  /** Revokes the slot. */
  lose(): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort(this.tooSlow());
    this.leave();
  }

  /** Releases the slot. Idempotent. */
  leave(): void {
    clearTimeout(this.#timer);
    this.free(this);
  }

  /**
   * Passes the items of `source` to a reader, each after the reader has consumed the previous one, and ends `source` as
   * soon as the slot is lost, whatever the reader does: `source` may hold a connection.
   *
   * @param sizeOf units of an item
   * @throws AppError when the slot is lost
   */
  async *read<Item>(source: AsyncGenerator<Item, void>, sizeOf: (item: Item) => number): AsyncGenerator<Item, void> {
    const { signal } = this.#lost;
    const end = () => void source.return().catch(() => undefined);
    signal.addEventListener('abort', end, { once: true });
    try {
      for (;;) {
        const next = await source.next();
        signal.throwIfAborted();
        if (next.done) return;
        this.#awaitClient();
        yield next.value;
        signal.throwIfAborted();
        this.#clientMoved(sizeOf(next.value));
      }
    } finally {
      signal.removeEventListener('abort', end);
      this.leave();
      await source.return();
    }
  }

  /**
   * The incoming messages of a client.
   *
   * @throws AppError when the slot is lost
   */
  async *receive(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const pieces = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        this.#awaitClient();
        const next = await this.#unlessLost(pieces.next());
        this.#clientMoved(next.done ? 0 : next.value.length);
        if (next.done) return;
        yield next.value;
      }
    } finally {
      this.#endWaiting();
      // Not awaited: it may itself wait for the client.
      void pieces.return?.().catch(() => undefined);
    }
  }

  async #unlessLost<Value>(value: Promise<Value>): Promise<Value> {
    const { signal } = this.#lost;
    signal.throwIfAborted();
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason as AppError);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([value, lost]);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #awaitClient(): void {
    this.#waitsSince = performance.now();
    this.#timer = setTimeout(() => this.#endWindow(), this.rates.windowMs - this.#waitedMs).unref();
  }

  #clientMoved(units: number): void {
    clearTimeout(this.#timer);
    this.#waitedMs = this.#waited();
    this.#waitsSince = undefined;
    this.#moved += units;
    if (this.#waitedMs >= this.rates.windowMs) this.#endWindow();
  }

  /** The client has finished, and its speed no longer matters. */
  #endWaiting(): void {
    clearTimeout(this.#timer);
    [this.#waitedMs, this.#moved, this.#waitsSince] = [0, 0, undefined];
  }

  #endWindow(): void {
    if (this.#moved < this.rates.least) return this.lose();
    const isWaited = this.#waitsSince !== undefined;
    this.#endWaiting();
    if (isWaited) this.#awaitClient();
  }

  #waited(): number {
    return this.#waitedMs + (this.#waitsSince === undefined ? 0 : performance.now() - this.#waitsSince);
  }
}
