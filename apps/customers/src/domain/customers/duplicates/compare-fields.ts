import type { Term } from './comparable-values.js';
import type { ComparisonLevel } from './compare-values.js';
import type { DuplicateEvidence } from './duplicate-candidate.js';
import { byChance, dependentShare, sameCustomer } from './linkage-weights.js';
import type { ShareOf } from './term-frequencies.js';

export type ComparedField = keyof typeof sameCustomer;

type AgreementLevel = Exclude<ComparisonLevel, 'DIFFERENT'>;

/** Probability that two different customers agree at a level as these two values do, above 0. */
export type ChanceOf<Value> = (level: AgreementLevel, left: Value, right: Value) => number;

/**
 * The best agreement between the values of two records in one field; nothing when either has none. People have several
 * addresses and numbers, so the others do not weaken one that agrees.
 */
export function bestEvidence<Value extends Term>(
  field: ComparedField,
  lefts: readonly Value[],
  rights: readonly Value[],
  levelOf: (left: Value, right: Value) => ComparisonLevel,
  chanceOf: ChanceOf<Value>,
): DuplicateEvidence[] {
  let best: DuplicateEvidence | undefined;
  for (const left of lefts) {
    for (const right of rights) {
      const level = levelOf(left, right);
      const weight = level === 'DIFFERENT' ? against(field) : inFavour(field, level, chanceOf(level, left, right));
      if (best && best.weight >= weight) continue;
      best = { field, level, weight, left: left.text, right: right.text };
    }
  }
  return best ? [best] : [];
}

/**
 * The probability of a random agreement, from the frequencies of the values: for equal values, their share; for similar
 * values, the shares of both, because one may be a misspelling of the other, plus the rate of accidental similarity.
 */
export function countedChance(field: ComparedField, shareOf: ShareOf): ChanceOf<Term> {
  return (level, { key: left }, { key: right }) => {
    if (left === right) return shareOf(field, left);
    const accident = level === 'EXACT' ? 0 : (byChance[field][level] ?? 0);
    return shareOf(field, left) + shareOf(field, right) + accident;
  };
}

/**
 * Evidence of dependent fields: equal postal codes imply equal cities, and a move changes street and city together.
 * Only the strongest agreement counts in full; the others count in part.
 *
 * @param isAlsoAgainst whether the same holds for disagreements
 */
export function dependent(
  evidence: DuplicateEvidence[],
  fields: readonly DuplicateEvidence['field'][],
  isAlsoAgainst: boolean,
): DuplicateEvidence[] {
  const own = evidence.filter(({ field }) => fields.includes(field)).toSorted((a, b) => b.weight - a.weight);
  const [strongest, weakest] = [own[0], own.at(-1)];
  return evidence.map((item) => {
    const isInFull = item === strongest || (item.weight <= 0 && (!isAlsoAgainst || item === weakest));
    return isInFull || !own.includes(item) ? item : { ...item, weight: item.weight * dependentShare };
  });
}

/** The sum of the evidence in bits. */
export function totalBits(evidence: readonly DuplicateEvidence[]): number {
  return evidence.reduce((sum, { weight }) => sum + weight, 0);
}

/** An optional value as the list that comparisons take. */
export function listOf<Value>(value: Value | undefined): Value[] {
  return value === undefined ? [] : [value];
}

/** Bits for an agreement: log2(m/u), at least zero, however common the value is. */
function inFavour(field: ComparedField, level: AgreementLevel, chance: number): number {
  const chances: Partial<Record<AgreementLevel, number>> = sameCustomer[field];
  const same = chances[level];
  if (same === undefined) throw new Error(`${field} has no weight for ${level}`);
  return Math.max(0, Math.log2(same / chance));
}

/**
 * Bits for a disagreement. Different customers disagree almost always, so only the rate among records of the same
 * customer counts.
 */
function against(field: ComparedField): number {
  return Math.log2(sameCustomer[field].DIFFERENT);
}
