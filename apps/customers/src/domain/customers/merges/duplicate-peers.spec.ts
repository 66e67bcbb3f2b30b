import { expect, test } from 'vitest';
import { closestPeers } from './duplicate-peers.js';

test('the closest peers share the most terms, and one rare term counts for more than several common ones', () => {
  const many = Array.from({ length: 90 }, (_, index) => `many${index}`);
  const shared = [
    { term: 'name', ids: ['self', ...many, 'both'] },
    { term: 'city', ids: ['self', ...many.slice(1), 'both'] },
    { term: 'year', ids: ['self', ...many.slice(1), 'both'] },
    { term: 'phone', ids: ['self', 'rare', 'both'] },
  ];
  const of = (most: number) => closestPeers(shared, { most, maxHits: 100, isPeer: (id) => id !== 'self' });

  expect(of(2)).toEqual(['both', 'rare']);
  expect(of(3)).toEqual(['both', 'rare', 'many1']);
  expect(of(200)).toHaveLength(92);
});
