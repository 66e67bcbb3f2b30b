import { createHash } from 'node:crypto';

/** In place of the id of a key that is not configured, where what it stored does not name it. */
export const unknownKeyId = 'unknown';

/** What is stored under one key. */
export interface KeyUse {
  /** Absent: it is not recorded which key it is stored under. */
  keyId?: string | undefined;
  /** What it is, such as `apiKey`. */
  kind: string;
  count: number;
}

/** Variables of one secret, whose stored uses a command counts. */
export interface CountedSecret {
  /** Of the current value, such as `MASTER_KEY`. */
  variable: string;
  /** Ids of the configured keys, the current one first. */
  keyIds: readonly string[];
  /** Whether a retired key may stay in use: it verifies what has no end, and is public. */
  isKept?: boolean;
}

/**
 * Prints a line of JSON for each configured key and each other key in use: its `state`, and what is stored under it.
 * `UNKNOWN` is a key that is not configured, so that nothing can use what is stored under it. `UNRECORDED` is what may be
 * stored under any key.
 *
 * @returns whether each value is stored under the current key, or a retired one that is kept
 */
export function printKeyUses({ variable, keyIds, isKept = false }: CountedSecret, uses: readonly KeyUse[]): boolean {
  const ids = new Set<string | undefined>([
    ...keyIds,
    ...uses.filter(({ count }) => count > 0).map((use) => use.keyId),
  ]);
  let isDone = true;
  for (const keyId of ids) {
    const state = stateOf(keyId, keyIds);
    const under = uses.filter((use) => use.keyId === keyId && use.count > 0);
    if (under.length > 0 && state !== 'CURRENT' && !(isKept && state === 'RETIRED')) isDone = false;
    const line = { variable, keyId, state, uses: countsOf(under) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  return isDone;
}

/** The sum of each kind, in the order of their names. */
function countsOf(uses: readonly KeyUse[]): Record<string, number> {
  const kinds = [...new Set(uses.map(({ kind }) => kind))].toSorted();
  return Object.fromEntries(
    kinds.map((kind) => [kind, uses.filter((use) => use.kind === kind).reduce((sum, { count }) => sum + count, 0)]),
  );
}

function stateOf(
  keyId: string | undefined,
  [current, ...retired]: readonly string[],
): 'CURRENT' | 'RETIRED' | 'UNKNOWN' | 'UNRECORDED' {
  if (keyId === undefined) return 'UNRECORDED';
  if (keyId === current) return 'CURRENT';
  return retired.includes(keyId) ? 'RETIRED' : 'UNKNOWN';
}

/** Id of a secret key of 32 random bytes, which is no secret: 16 hexadecimal digits. */
export function secretKeyId(key: Buffer): string {
  return createHash('sha256').update('rapport-secret-key').update(key).digest('hex').slice(0, 16);
}
