import { bestEvidence, countedChance, listOf, totalBits, type ChanceOf } from './compare-fields.js';
import { nameLevel } from './compare-values.js';
import type { ComparableValues, Term } from './comparable-values.js';
import type { DuplicateEvidence } from './duplicate-candidate.js';
import { swappedNames } from './linkage-weights.js';
import type { ShareOf } from './term-frequencies.js';

type Names = Pick<ComparableValues, 'givenName' | 'familyName'>;

/** The evidence of the names of two people: field by field, or swapped when only that is evidence for the pair. */
export function nameEvidence(left: Names, right: Names, shareOf: ShareOf): DuplicateEvidence[] {
  const straight = [
    ...compareNames('givenName', left.givenName, right.givenName, countedChance('givenName', shareOf)),
    ...compareNames('familyName', left.familyName, right.familyName, countedChance('familyName', shareOf)),
  ];
  const chance = eitherNameChance(shareOf);
  const crossed = [
    ...compareNames('familyName', left.givenName, right.familyName, chance),
    ...compareNames('familyName', left.familyName, right.givenName, chance),
  ];
  const weight = totalBits(crossed) + Math.log2(swappedNames);
  if (weight <= Math.max(totalBits(straight), 0)) return straight;
  // A single name, in either field, can be a family name, so it counts at most as much as a family name does.
  const field = crossed.length === 1 ? 'familyName' : 'name';
  return [{ field, level: 'SWAPPED', weight, left: fullName(left), right: fullName(right) }];
}

function compareNames(
  field: 'givenName' | 'familyName',
  left: Term | undefined,
  right: Term | undefined,
  chanceOf: ChanceOf<Term>,
): DuplicateEvidence[] {
  return bestEvidence(field, listOf(left), listOf(right), nameLevel, chanceOf);
}

/** The frequency of a swapped name is that of the field in which it is more common. */
function eitherNameChance(shareOf: ShareOf): ChanceOf<Term> {
  const [given, family] = [countedChance('givenName', shareOf), countedChance('familyName', shareOf)];
  return (level, left, right) => Math.max(given(level, left, right), family(level, left, right));
}

function fullName({ givenName, familyName }: Names): string {
  return [...listOf(givenName), ...listOf(familyName)].map(({ text }) => text).join(' ');
}
