import type { AppError } from '@rapport/platform';

/** How fast a client moves what it sends or reads, in units such as bytes or customers. Only the time that it is waited for counts. */
export interface ClientRates {
  /** What it moves at least of its own accord, or it loses its place: so many units in each `windowMs`. */
  readonly least: number;
  readonly windowMs: number;
  /** Below so many units a second it gives its place up to another tenant that has none. */
  readonly slowPerSecond: number;
  /** How long it is waited for before it may count as slow, in milliseconds. */
  readonly slowAfterMs: number;
}

/** What a client that sends or reads holds while it does. */
export class BulkPlace {
  readonly #lost = new AbortController();
  /** Since when the client is waited for; undefined while it is not. */
  #waitsSince: number | undefined;
  /** For how long it was waited for in the current window before that, and what it has moved in it. */
  #waitedMs = 0;
  #moved = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param tenantId whose it is
   * @param tooSlow why the place was lost
   * @param free called once when the place is free again
   */
  constructor(
    readonly tenantId: string,
    private readonly rates: ClientRates,
    private readonly tooSlow: () => AppError,
    private readonly free: (place: BulkPlace) => void,
  ) {}

  /** Units a second. A client that was not waited for long is as fast as can be. */
  get rate(): number {
    const waitedMs = this.#waited();
    return waitedMs < this.rates.slowAfterMs ? Number.POSITIVE_INFINITY : (this.#moved * 1_000) / waitedMs;
  }

  /** Takes the place from its client. */
  lose(): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort(this.tooSlow());
    this.leave();
  }

  /** Gives the place back. Calling it again does nothing. */
  leave(): void {
    clearTimeout(this.#timer);
    this.free(this);
  }

  /**
   * Gives the items of `source` to a reader, one when it has taken the one before, and ends `source` as soon as the place is lost,
   * whatever the reader does: it may hold a connection.
   *
   * @param sizeOf how many units an item is
   * @throws AppError when the place is lost
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
   * What a client sends, as it comes.
   *
   * @throws AppError when the place is lost
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
      // Not waited for: it may wait for the client itself.
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

  /** The client has done its part, and is neither slow nor fast any longer. */
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
