import { candidatePairs } from './candidate-pairs.js';
import { comparableValues } from './comparable-values.js';
import type { DuplicateCandidate, DuplicatePair } from './duplicate-candidate.js';
import { scoreValues } from './score-pair.js';
import { TermFrequencies } from './term-frequencies.js';

/** More likely the same customer than not: minimizes errors when both kinds of error cost the same. */
export const defaultMinScore = 0.5;

/** Large enough to compare an ordinary name in full in a tenant of some thousand customers. */
const defaultMaxBlockSize = 60;

/**
 * Finds the pairs that are probably the same customer, highest score first, then by ids. Each pair occurs once, with
 * the smaller id on the left. The frequencies of values are counted from the candidates themselves. Pure: the order of
 * the candidates does not matter. Their ids must differ. `minScore` is a probability, 0.5 by default; `maxBlockSize`
 * (at least 2, 60 by default) bounds the work, see `candidatePairs`.
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
  // The pairs are ordered by id, and the stable sort preserves that order among equals.
  return pairs.sort((a, b) => b.score - a.score);
}
