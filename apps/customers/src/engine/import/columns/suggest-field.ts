import { cellText } from '../rows/cell-value.js';
import type { ValueLook } from '../import-rules.js';

/** Sampled values per column. */
const sampleSize = 200;

/** Minimum share of sampled values that look like the field. */
const leastShare = 0.9;

/** Suggests a field for a column with an unknown name from its first values. */
export class ColumnSample {
  #values = 0;
  readonly #like = new Map<string, number>();

  constructor(private readonly looks: readonly ValueLook[]) {}

  add(value: unknown): void {
    if (this.#values >= sampleSize) return;
    const text = cellText(value);
    if (text === undefined) return;
    this.#values += 1;
    for (const [field, isLike] of this.looks) {
      if (text !== null && isLike(text)) this.#like.set(field, (this.#like.get(field) ?? 0) + 1);
    }
  }

  get field(): string | undefined {
    return this.looks.find(([field]) => (this.#like.get(field) ?? 0) >= Math.max(1, leastShare * this.#values))?.[0];
  }
}
