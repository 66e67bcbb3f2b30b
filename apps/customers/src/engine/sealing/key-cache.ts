import type { DataKey } from './data-key.js';

/** Most keys that are cached, about 10 MiB. */
const maxKeys = 50_000;

/** Lifetime of an entry in milliseconds. A key that another process destroys stays usable in this process for as long. */
const maxAgeMs = 60_000;

interface Known {
  /** Null for a destroyed key. */
  key: DataKey | null;
  untilMs: number;
}

/** Cache of unwrapped data keys, by id. */
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
