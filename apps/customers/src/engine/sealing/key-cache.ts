import type { DataKey } from './data-key.js';

/** Some 10 MiB. */
const maxKeys = 50_000;

/** How long a key that another process has destroyed may be known here, in milliseconds. */
const maxAgeMs = 60_000;

interface Known {
  /** Null when it was destroyed. */
  key: DataKey | null;
  untilMs: number;
}

/** Data keys that were unwrapped of late, by their ids. */
export class KeyCache {
  readonly #known = new Map<string, Known>();

  look(ids: readonly string[]): { found: Map<string, DataKey | null>; missing: string[] } {
    const nowMs = Date.now();
    const found = new Map<string, DataKey | null>();
    const missing = ids.filter((id) => {
      const known = this.#known.get(id);
      if (!known || known.untilMs < nowMs) return true;
      found.set(id, known.key);
      return false;
    });
    return { found, missing };
  }

  put(id: string, key: DataKey | null): void {
    // A Map keeps the order of insertion: the first is the oldest.
    this.#known.delete(id);
    if (this.#known.size >= maxKeys) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(id, { key, untilMs: Date.now() + maxAgeMs });
  }
}
