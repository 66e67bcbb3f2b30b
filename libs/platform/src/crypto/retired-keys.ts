import { Counter } from 'prom-client';
import { metrics } from '../logging/metrics.js';
import { decrypt, type GcmLayout } from './aes-gcm.js';

const uses = new Counter({
  name: 'rapport_retired_key_uses_total',
  help: 'Values that only a retired key could read or verify, by the variable of the current key.',
  labelNames: ['variable'],
  registers: [metrics],
});

/** Notes that a retired key is still in use. @param variable of the current key, such as `PAGE_TOKEN_KEY` */
export function countRetiredKeyUse(variable: string): void {
  uses.inc({ variable });
}

/** A secret that makes new values, and earlier or coming ones whose values are still valid. */
export class KeyRing {
  /** All keys, the current one first. */
  readonly all: readonly [Buffer, ...Buffer[]];

  /**
   * @param variable that holds the current key, for metrics
   * @param current 32 bytes
   * @param retired 32 bytes each
   */
  constructor(
    private readonly variable: string,
    current: Buffer,
    retired: readonly Buffer[] = [],
  ) {
    this.all = [current, ...retired];
  }

  get current(): Buffer {
    return this.all[0];
  }

  /** A ring of keys that are derived from those of this one. */
  derive(derived: (key: Buffer) => Buffer): KeyRing {
    const [current, ...retired] = this.all;
    return new KeyRing(this.variable, derived(current), retired.map(derived));
  }

  /**
   * Tries the keys in turn.
   *
   * @param attempt returns undefined for a key that does not fit
   * @returns the first result, and whether a retired key gave it; undefined when none fits
   */
  find<Found>(attempt: (key: Buffer) => Found | undefined): { found: Found; isRetired: boolean } | undefined {
    for (const key of this.all) {
      const found = attempt(key);
      if (found !== undefined) return this.#noted(found, key);
    }
    return undefined;
  }

  /** As `find`, for attempts that ask a database. */
  async findLater<Found>(
    attempt: (key: Buffer) => Promise<Found | undefined>,
  ): Promise<{ found: Found; isRetired: boolean } | undefined> {
    for (const key of this.all) {
      const found = await attempt(key);
      if (found !== undefined) return this.#noted(found, key);
    }
    return undefined;
  }

  #noted<Found>(found: Found, key: Buffer): { found: Found; isRetired: boolean } {
    const isRetired = key !== this.current;
    if (isRetired) countRetiredKeyUse(this.variable);
    return { found, isRetired };
  }
}

/**
 * Decrypts with the key of the ring that encrypted.
 *
 * @param context as for `decrypt`
 * @throws Error when no key fits, or the context or layout differs
 */
export function decryptByAny(
  ring: KeyRing,
  sealed: Buffer,
  context: string,
  layout?: GcmLayout,
): { bytes: Buffer; isRetired: boolean } {
  let failure: unknown;
  const opened = ring.find((key) => {
    try {
      return decrypt(key, sealed, context, layout);
    } catch (error) {
      // Node reports no more than that authentication failed.
      failure = error;
      return undefined;
    }
  });
  if (!opened) throw failure;
  return { bytes: opened.found, isRetired: opened.isRetired };
}
