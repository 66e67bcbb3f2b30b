import { bestEvidence, countedChance, dependent, listOf, totalBits, type ChanceOf } from './compare-fields.js';
import { codeLevel, placeLevel, streetLevel, wholeLevel } from './compare-values.js';
import { houseKey, type ComparableAddress, type StreetTerm } from './comparable-values.js';
import type { DuplicateCandidate, DuplicateEvidence } from './duplicate-candidate.js';
import { byChance } from './linkage-weights.js';
import type { ShareOf } from './term-frequencies.js';

export const addressFields = ['street', 'postalCode', 'city', 'state', 'country'] as const;

/** The evidence of the two most similar addresses, part by part. */
export function addressEvidence(
  lefts: readonly ComparableAddress[],
  rights: readonly ComparableAddress[],
  kind: DuplicateCandidate['kind'],
  shareOf: ShareOf,
): DuplicateEvidence[] {
  let best: DuplicateEvidence[] = [];
  for (const left of lefts) {
    for (const right of rights) {
      const parts = partsEvidence(left, right, kind, shareOf);
      if (best.length === 0 || totalBits(parts) > totalBits(best)) best = parts;
    }
  }
  return best;
}

function partsEvidence(
  left: ComparableAddress,
  right: ComparableAddress,
  kind: DuplicateCandidate['kind'],
  shareOf: ShareOf,
): DuplicateEvidence[] {
  const chance = (field: 'street' | 'postalCode' | 'city' | 'state' | 'country') => countedChance(field, shareOf);
  const streetChance = kind === 'COMPANY' ? houseChance(shareOf) : chance('street');
  const parts = [
    ...bestEvidence('street', listOf(left.street), listOf(right.street), streetLevel, streetChance),
    ...bestEvidence('postalCode', listOf(left.postalCode), listOf(right.postalCode), codeLevel, chance('postalCode')),
    ...bestEvidence('city', listOf(left.city), listOf(right.city), placeLevel, chance('city')),
    ...bestEvidence('state', listOf(left.state), listOf(right.state), placeLevel, chance('state')),
    ...bestEvidence('country', listOf(left.country), listOf(right.country), wholeLevel, chance('country')),
  ];
  // Addresses of companies also depend on the phone number: see score-pair.ts.
  return kind === 'COMPANY' ? parts : dependent(parts, addressFields, false);
}

/** Few companies share a house, many share a street name. */
function houseChance(shareOf: ShareOf): ChanceOf<StreetTerm> {
  const ofStreet = countedChance('street', shareOf);
  return (level, left, right) => {
    if (left.houseNumber !== right.houseNumber) return ofStreet(level, left, right);
    const [one, other] = [shareOf('house', houseKey(left)), shareOf('house', houseKey(right))];
    return level === 'EXACT' ? Math.max(one, other) : one + other + (byChance.house.SIMILAR ?? 0);
  };
}
