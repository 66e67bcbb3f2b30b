/** Collects incoming bytes of a file in blocks of one size: memory use does not depend on the sizes of the chunks. */
export class ByteBlocks {
  /** The full blocks, and the partial one. */
  readonly #full: Buffer[] = [];
  #last: Buffer | undefined;
  #used = 0;

  constructor(private readonly blockBytes: number) {}

  get length(): number {
    return this.#full.length * this.blockBytes + this.#used;
  }

  add(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      this.#last ??= Buffer.allocUnsafe(this.blockBytes);
      const part = bytes.subarray(done, done + this.blockBytes - this.#used);
      this.#last.set(part, this.#used);
      this.#used += part.length;
      done += part.length;
      if (this.#used < this.blockBytes) continue;
      this.#full.push(this.#last);
      [this.#last, this.#used] = [undefined, 0];
    }
  }

  /** Takes the first block, or the partial one when none is full. */
  take(): Buffer {
    const block = this.#full.shift() ?? this.#last?.subarray(0, this.#used) ?? Buffer.alloc(0);
    if (block.length < this.blockBytes) [this.#last, this.#used] = [undefined, 0];
    return block;
  }
}
