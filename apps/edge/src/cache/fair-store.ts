/** What the store needs to know of a value. */
export interface Storable {
  /** Memory that it takes, about. */
  readonly bytes: number;
  /** Set by whoever uses it, so that it is not the next to go. */
  used: boolean;
  /** Called when it is no longer in the store. */
  dropped(): void;
}

interface Share<Value> {
  readonly tenantId: string;
  bytes: number;
  values: Map<string, Value>;
}

/** Largest part of the store that one value may take. */
const maxPart = 1 / 32;

/**
 * Values of many tenants in bounded memory. When it is full, the tenant that takes the most gives way, so nobody below an
 * equal share ever loses a value to somebody else. Within a tenant the values that were not used since they were last passed
 * over go first (CLOCK), which costs a hit one assignment instead of a move in a list.
 */
export class FairStore<Value extends Storable> {
  readonly #shares = new Map<string, Share<Value>>();
  #bytes = 0;
  /** Gives way until it is down to an equal share: found once for many values. */
  #greatest: Share<Value> | undefined;

  constructor(private readonly maxBytes: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    let size = 0;
    for (const { values } of this.#shares.values()) size += values.size;
    return size;
  }

  get(tenantId: string, key: string): Value | undefined {
    return this.#shares.get(tenantId)?.values.get(key);
  }

  /** @returns false when the value is too large to be kept; then nothing is kept at the key */
  set(tenantId: string, key: string, value: Value): boolean {
    this.delete(tenantId, key);
    if (value.bytes > this.maxBytes * maxPart) return false;
    let share = this.#shares.get(tenantId);
    if (!share) this.#shares.set(tenantId, (share = { tenantId, bytes: 0, values: new Map() }));
    share.values.set(key, value);
    share.bytes += value.bytes;
    this.#bytes += value.bytes;
    while (this.#bytes > this.maxBytes) this.#giveWay();
    return true;
  }

  delete(tenantId: string, key: string): void {
    const share = this.#shares.get(tenantId);
    const value = share?.values.get(key);
    if (share && value) this.#remove(share, key, value);
  }

  clear(): void {
    for (const { values } of this.#shares.values()) for (const value of values.values()) value.dropped();
    this.#shares.clear();
    this.#bytes = 0;
    this.#greatest = undefined;
  }

  #giveWay(): void {
    const fairBytes = this.maxBytes / this.#shares.size;
    if (!this.#greatest || this.#greatest.bytes <= fairBytes) {
      const [first, ...others] = this.#shares.values();
      this.#greatest = others.reduce((most, share) => (most && share.bytes > most.bytes ? share : most), first);
    }
    if (this.#greatest) this.#evictOne(this.#greatest);
  }

  #evictOne(share: Share<Value>): void {
    for (const [key, value] of share.values) {
      if (!value.used) return this.#remove(share, key, value);
      value.used = false;
      // To the end, behind those that were passed over earlier.
      share.values.delete(key);
      share.values.set(key, value);
    }
  }

  #remove(share: Share<Value>, key: string, value: Value): void {
    share.values.delete(key);
    share.bytes -= value.bytes;
    this.#bytes -= value.bytes;
    if (share.values.size === 0) this.#shares.delete(share.tenantId);
    value.dropped();
  }
}
