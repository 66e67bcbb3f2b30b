/** Pseudo-random numbers that are equal for the same seed on every machine (mulberry32). */
export class SeedRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1), 32 bits of it. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('The list is empty.');
    return item;
  }

  /** Earlier items are more frequent: the first is picked far more often than the last. */
  pickSkewed<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(items.length * this.next() ** 2)];
    if (item === undefined) throw new Error('The list is empty.');
    return item;
  }

  /** A UUIDv7 of a time in milliseconds. */
  uuid(timeMs: number): string {
    const random = [this.#hex(), this.#hex(), this.#hex()].join('');
    const time = timeMs.toString(16).padStart(12, '0');
    const variant = '89ab'[this.below(4)];
    return [
      time.slice(0, 8),
      time.slice(8),
      `7${random.slice(0, 3)}`,
      `${variant}${random.slice(3, 6)}`,
      random.slice(6, 18),
    ].join('-');
  }

  #hex(): string {
    return Math.floor(this.next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  }
}
