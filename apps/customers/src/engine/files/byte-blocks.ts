/** Bytes of a file as they come, kept in blocks of one size: the memory that they take does not depend on how they were cut. */
export class ByteBlocks {
  /** Those that are full, and the one that is not. */
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

  /** Takes the first block out, or what there is when none is full. */
  take(): Buffer {
    const block = this.#full.shift() ?? this.#last?.subarray(0, this.#used) ?? Buffer.alloc(0);
    if (block.length < this.blockBytes) [this.#last, this.#used] = [undefined, 0];
    return block;
  }
}
