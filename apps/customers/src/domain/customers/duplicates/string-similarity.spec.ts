import { describe, expect, test } from 'vitest';
import { jaroWinkler, soundex, withinEdits } from './string-similarity.js';

describe('jaroWinkler', () => {
  test.each([
    ['martha', 'marhta', 0.961],
    ['dixon', 'dicksonx', 0.813],
    ['dwayne', 'duane', 0.84],
    ['abc', 'xyz', 0],
    ['', 'abc', 0],
    ['same', 'same', 1],
  ])('returns the published value for %s and %s, in either order', (left, right, similarity) => {
    expect(jaroWinkler(left, right)).toBeCloseTo(similarity, 3);
    expect(jaroWinkler(right, left)).toBe(jaroWinkler(left, right));
  });
});

describe('withinEdits', () => {
  test.each([
    ['letter added', 'smith', 'smithe', 1],
    ['missing letter', 'smith', 'smth', 1],
    ['letter replaced', 'smith', 'smyth', 1],
    ['neighbours exchanged', 'smith', 'simth', 1],
    ['two errors', 'smith', 'smyhte', 3],
    ['everything', 'abcd', 'wxyz', 4],
    ['from nothing', '', 'ab', 2],
  ])('counts a %s as that many edits', (_, left, right, edits) => {
    expect(withinEdits(left, right, edits)).toBe(true);
    expect(withinEdits(right, left, edits)).toBe(true);
    expect(withinEdits(left, right, edits - 1)).toBe(false);
  });
});

describe('soundex', () => {
  test.each([
    ['robert', 'r163'],
    ['rupert', 'r163'],
    ['ashcraft', 'a261'],
    ['tymczak', 't522'],
    ['pfister', 'p236'],
    ['lee', 'l000'],
    ['李', ''],
  ])('returns the census code of %s: %s', (name, code) => {
    expect(soundex(name)).toBe(code);
  });
});
