import { bestEvidence, countedChance, listOf, totalBits } from './compare-fields.js';
import { codeLevel, placeLevel, streetLevel, wholeLevel } from './compare-values.js';
import type { ComparableAddress } from './comparable-values.js';
import type { DuplicateEvidence } from './duplicate-candidate.js';
import { addressShare } from './linkage-weights.js';
import type { TermFrequencies } from './term-frequencies.js';

/** The evidence of the two addresses that agree best, part by part. */
export function addressEvidence(
  lefts: readonly ComparableAddress[],
  rights: readonly ComparableAddress[],
  frequencies: TermFrequencies,
): DuplicateEvidence[] {
  let best: DuplicateEvidence[] = [];
  for (const left of lefts) {
    for (const right of rights) {
      const parts = discounted(partsEvidence(left, right, frequencies));
      if (best.length === 0 || totalBits(parts) > totalBits(best)) best = parts;
    }
  }
  return best;
}

function partsEvidence(left: ComparableAddress, right: ComparableAddress, frequencies: TermFrequencies) {
  const chance = (field: 'street' | 'postalCode' | 'city' | 'state' | 'country') => countedChance(field, frequencies);
  return [
    ...bestEvidence('street', listOf(left.street), listOf(right.street), streetLevel, chance('street')),
    ...bestEvidence('postalCode', listOf(left.postalCode), listOf(right.postalCode), codeLevel, chance('postalCode')),
    ...bestEvidence('city', listOf(left.city), listOf(right.city), placeLevel, chance('city')),
    ...bestEvidence('state', listOf(left.state), listOf(right.state), placeLevel, chance('state')),
    ...bestEvidence('country', listOf(left.country), listOf(right.country), wholeLevel, chance('country')),
  ];
}

/** Who shares the postal code shares the city: only the strongest agreement counts in full, the others for a share. */
function discounted(parts: DuplicateEvidence[]): DuplicateEvidence[] {
  const strongest = parts.toSorted((a, b) => b.weight - a.weight)[0];
  return parts.map((part) => {
    if (part === strongest || part.weight <= 0) return part;
    return { ...part, weight: part.weight * addressShare };
  });
}
