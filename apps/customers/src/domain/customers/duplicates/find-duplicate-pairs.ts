import { candidatePairs } from './candidate-pairs.js';
import { comparableValues } from './comparable-values.js';
import type { DuplicateCandidate, DuplicatePair } from './duplicate-candidate.js';
import { scoreValues } from './score-pair.js';
import { TermFrequencies } from './term-frequencies.js';

/** More likely the same customer than not: the threshold that errs least when both errors cost the same. */
export const defaultMinScore = 0.5;

/** Large enough that an ordinary name in a tenant of some thousand is compared in full. */
export const defaultMaxBlockSize = 60;

/**
 * Finds the pairs that are likely the same customer, the likeliest first, then by ids. Each pair comes once, with the
 * smaller id on the left. How common a value is, is counted from the candidates themselves. Pure: the order in which they
 * are given doesn't matter. Their ids must differ. `minScore` is a probability, 0.5 unless told; `maxBlockSize` (at least
 * 2, 60 unless told) bounds the work, see `candidatePairs`.
 */
export function findDuplicatePairs(
  candidates: readonly DuplicateCandidate[],
  { minScore = defaultMinScore, maxBlockSize = defaultMaxBlockSize }: { minScore?: number; maxBlockSize?: number } = {},
): DuplicatePair[] {
  const read = candidates.map(comparableValues);
  const frequencies = new TermFrequencies();
  for (const values of read) frequencies.add(values);
  const pairs: DuplicatePair[] = [];
  for (const [left, right] of candidatePairs(read, maxBlockSize)) {
    const { score, evidence } = scoreValues(left, right, frequencies);
    if (score >= minScore) pairs.push({ leftId: left.id, rightId: right.id, score, evidence });
  }
  // The pairs come ordered by id, and sorting keeps that order among equals.
  return pairs.sort((a, b) => b.score - a.score);
}
