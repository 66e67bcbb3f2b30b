import { describe, expect, test } from 'vitest';
import { companySet, companyWorlds } from '../../../../bench/company-samples.js';
import { accuracy, calibrationError, febrl, splink, withoutIdentifiers } from '../../../../bench/duplicate-samples.js';
import { personCandidate } from '../../../../test/duplicate-candidates.js';
import { candidatePairs } from './candidate-pairs.js';
import { comparableValues } from './comparable-values.js';
import type { DuplicateCandidate, DuplicatePair } from './duplicate-candidate.js';
import { defaultMinScore, findDuplicatePairs } from './find-duplicate-pairs.js';

function probable(pairs: DuplicatePair[]): DuplicatePair[] {
  return pairs.filter(({ score }) => score >= defaultMinScore);
}

describe.each([
  { set: withoutIdentifiers(febrl()), f1: 0.95, comparedShare: 0.98 },
  { set: febrl(), f1: 0.95, comparedShare: 0.99 },
  { set: splink(), f1: 0.8, comparedShare: 0.9 },
])('$set.name', ({ set, f1, comparedShare }) => {
  const { candidates, entityOf } = set;
  const compared = findDuplicatePairs(candidates, { minScore: 0 });

  test(`has an F1 of ${f1} at the common threshold`, () => {
    expect(accuracy(probable(compared), set).f1).toBeGreaterThanOrEqual(f1);
  });

  test(`has a shared key for ${comparedShare * 100} % of its true pairs`, () => {
    expect(accuracy(compared, set).recall).toBeGreaterThanOrEqual(comparedShare);
    // A few thousand of the half million pairs of a thousand records.
    expect(compared.length).toBeLessThan(entityOf.size * 5);
  });
});

describe.each(companyWorlds.map((world) => ({ set: companySet(world) })))('$set.name', ({ set }) => {
  const compared = findDuplicatePairs(set.candidates, { minScore: 0 });

  test('have an F1 of 0.9 at the common threshold', () => {
    expect(accuracy(probable(compared), set).f1).toBeGreaterThanOrEqual(0.9);
  });

  test('have scores within 0.05 of the observed precision', () => {
    expect(calibrationError(compared, set)).toBeLessThan(0.05);
    expect(calibrationError(compared, set, 0.1)).toBeLessThan(0.05);
  });

  test('have a shared key for 97 % of their true pairs', () => {
    expect(accuracy(compared, set).recall).toBeGreaterThanOrEqual(0.97);
    expect(compared.length).toBeLessThan(set.candidates.length * 10);
  });
});

test('the result does not depend on the order of the candidates', () => {
  const { candidates } = splink();

  expect(findDuplicatePairs(candidates.toReversed())).toEqual(findDuplicatePairs(candidates));
});

test('each pair occurs once, smaller id first, sorted by score and then by ids', () => {
  const pairs = findDuplicatePairs(splink().candidates);

  expect(new Set(pairs.map(({ leftId, rightId }) => `${leftId} ${rightId}`)).size).toBe(pairs.length);
  expect(pairs.every(({ leftId, rightId }) => leftId < rightId)).toBe(true);
  const expected = pairs.toSorted(
    (a, b) => b.score - a.score || compare(a.leftId, b.leftId) || compare(a.rightId, b.rightId),
  );
  expect(pairs).toEqual(expected);
});

test('minScore filters the pairs, at 0.5 by default', () => {
  const { candidates } = splink();
  const compared = findDuplicatePairs(candidates, { minScore: 0 });

  expect(findDuplicatePairs(candidates, { minScore: 0.9 })).toEqual(compared.filter(({ score }) => score >= 0.9));
  expect(findDuplicatePairs(candidates)).toEqual(compared.filter(({ score }) => score >= 0.5));
});

test('the number of pairs of a common key grows linearly', () => {
  const namesakes = (count: number): DuplicateCandidate[] =>
    Array.from({ length: count }, (_, index) =>
      personCandidate({
        id: String(index).padStart(6, '0'),
        givenName: 'John',
        familyName: 'Smith',
        birthDate: `19${String(10 + (index % 80))}-01-${String(1 + (Math.floor(index / 80) % 28)).padStart(2, '0')}`,
      }),
    );
  const pairsOf = (count: number) => [...candidatePairs(namesakes(count).map(comparableValues), 20)];
  const [thousand, fourThousand] = [pairsOf(1000), pairsOf(4000)];

  expect(fourThousand.length / thousand.length).toBeLessThan(4.4);
});

test.each([2, 3, 7, 60])(
  'with blocks of %i every candidate of a common key is compared with its neighbour',
  (maxBlockSize) => {
    const family = Array.from({ length: 61 }, (_, index) =>
      personCandidate({ id: String(index).padStart(3, '0'), givenName: 'Ada', familyName: 'Smith' }),
    );
    const compared = [...candidatePairs(family.map(comparableValues), maxBlockSize)];
    const neighbours = compared.filter(([left, right]) => Number(right.id) - Number(left.id) === 1);

    expect(neighbours).toHaveLength(60);
    expect(new Set(compared.map(([left, right]) => `${left.id} ${right.id}`)).size).toBe(compared.length);
  },
);

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
