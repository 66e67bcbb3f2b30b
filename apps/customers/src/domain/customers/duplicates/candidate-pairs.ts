import { blockingKeysOf } from './blocking-keys.js';
import type { ComparableValues } from './comparable-values.js';

/**
 * The pairs to compare: those that share a blocking key, each once, ordered by their ids.
 *
 * A block of more than `maxBlockSize` candidates is not compared in full. It is sorted by name and birth date and cut
 * into overlapping blocks of that size, so that each candidate is compared with at least its `maxBlockSize / 2` nearest
 * on either side: the sorted neighbourhood of Hernández and Stolfo, "The merge/purge problem for large databases"
 * (1995). So a candidate takes part in at most about 12 keys × 1.5 × `maxBlockSize` pairs, and the number of pairs
 * grows linearly.
 */
export function* candidatePairs(
  candidates: readonly ComparableValues[],
  maxBlockSize: number,
): Generator<[left: ComparableValues, right: ComparableValues]> {
  const ordered = candidates.toSorted((a, b) => compareText(a.id, b.id));
  const blocks = blocksByCandidate(ordered, maxBlockSize);
  for (const [index, left] of ordered.entries()) {
    // One small set per candidate: a set of all pairs would exceed the capacity of a Set.
    const later = new Set((blocks.get(left) ?? []).flatMap((block) => block.filter((other) => other > index)));
    for (const other of [...later].sort((a, b) => a - b)) {
      const right = ordered[other];
      if (right) yield [left, right];
    }
  }
}

/** The blocks of each candidate, as indexes. */
function blocksByCandidate(ordered: readonly ComparableValues[], maxBlockSize: number) {
  const byKey = new Map<string, number[]>();
  for (const [index, values] of ordered.entries()) {
    for (const key of blockingKeysOf(values)) add(byKey, key, index);
  }
  const byCandidate = new Map<ComparableValues, number[][]>();
  for (const members of byKey.values()) {
    for (const block of cut(members, maxBlockSize, ordered)) {
      for (const index of block) {
        const values = ordered[index];
        if (values) add(byCandidate, values, block);
      }
    }
  }
  return byCandidate;
}

function cut(members: number[], maxBlockSize: number, ordered: readonly ComparableValues[]): number[][] {
  if (members.length <= maxBlockSize) return [members];
  const sortKeys = new Map(members.map((index) => [index, sortKey(ordered[index])]));
  const sorted = members.toSorted((a, b) => compareText(sortKeys.get(a) ?? '', sortKeys.get(b) ?? '') || a - b);
  const step = Math.floor(maxBlockSize / 2);
  const starts = Array.from({ length: Math.ceil(sorted.length / step) - 1 }, (_, index) => index * step);
  return starts.map((start) => sorted.slice(start, start + maxBlockSize));
}

function sortKey(values: ComparableValues | undefined): string {
  const { familyName, givenName, companyName, birthDate } = values ?? {};
  return [familyName ?? companyName, givenName, birthDate].map((term) => term?.key ?? '').join(' ');
}

/** By code units, independent of the locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function add<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
