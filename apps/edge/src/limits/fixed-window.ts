import { LRUCache } from 'lru-cache';

/** Most ids whose windows are known. Beyond it the one that was quiet longest starts anew. */
const maxWindows = 50_000;

export interface FixedWindow {
  used: number;
  /** By `performance.now()`. */
  endsAt: number;
}

/** Windows of one length, each of which begins when its id is first asked for, and again when it has ended. */
export class FixedWindows {
  readonly #windows = new LRUCache<string, FixedWindow>({ max: maxWindows });

  /** @param lengthMs in milliseconds */
  constructor(private readonly lengthMs: number) {}

  /** @param now by `performance.now()`. @returns the window that has not ended, to be counted in */
  current(id: string, now: number): FixedWindow {
    const known = this.#windows.get(id);
    if (known !== undefined && now < known.endsAt) return known;
    const fresh = { used: 0, endsAt: now + this.lengthMs };
    this.#windows.set(id, fresh);
    return fresh;
  }
}
