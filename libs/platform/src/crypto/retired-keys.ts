import { Counter } from 'prom-client';
import { metrics } from '../logging/metrics.js';
import { decrypt, type GcmLayout } from './aes-gcm.js';
import { secretKeyId, unknownKeyId } from './key-uses.js';

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

  /** Ids of the keys, or of those that they are derived from, in the same order. */
  readonly ids: readonly string[];

  /**
   * @param variable that holds the current key, for metrics
   * @param current 32 bytes
   * @param retired 32 bytes each
   * @param ids of the keys that these are derived from
   */
  constructor(
    readonly variable: string,
    current: Buffer,
    retired: readonly Buffer[] = [],
    ids?: readonly string[],
  ) {
    this.all = [current, ...retired];
    this.ids = ids ?? this.all.map(secretKeyId);
  }

  get current(): Buffer {
    return this.all[0];
  }

  get currentId(): string {
    return this.ids[0] ?? '';
  }

  /** A ring of keys that are derived from those of this one. */
  derive(derived: (key: Buffer) => Buffer): KeyRing {
    const [current, ...retired] = this.all;
    return new KeyRing(this.variable, derived(current), retired.map(derived), this.ids);
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

  /** As `find`, for attempts that ask a database, where another process may renew what is looked for: the current key is tried again. */
  async findLater<Found>(
    attempt: (key: Buffer) => Promise<Found | undefined>,
  ): Promise<{ found: Found; isRetired: boolean } | undefined> {
    const again = this.all.length > 1 ? [this.current] : [];
    for (const key of [...this.all, ...again]) {
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
 * Id of the key of the ring that encrypted; `unknownKeyId` when none of them did. It counts no use of a retired key.
 *
 * @param context as for `decrypt`
 */
export function keyIdOf(ring: KeyRing, sealed: Buffer, context: string, layout?: GcmLayout): string {
  const place = ring.all.findIndex((key) => !('error' in decrypted(key, sealed, context, layout)));
  return ring.ids[place] ?? unknownKeyId;
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
    const bytes = decrypted(key, sealed, context, layout);
    if (!('error' in bytes)) return bytes;
    failure = bytes.error;
    return undefined;
  });
  if (!opened) throw failure;
  return { bytes: opened.found, isRetired: opened.isRetired };
}

/** @returns the error when the key does not fit: Node reports no more than that authentication failed */
function decrypted(key: Buffer, sealed: Buffer, context: string, layout?: GcmLayout): Buffer | { error: unknown } {
  try {
    return decrypt(key, sealed, context, layout);
  } catch (error) {
    return { error };
  }
}
