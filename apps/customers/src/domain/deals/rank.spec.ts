import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { rankBetween, rankOfEntry, rankOfNew, ranksBetween } from './rank.js';

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

test('any sequence of moves gives the order of a list with the same moves', () => {
  const place = fc.nat({ max: 1_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(place, place), { maxLength: 120 }), (moves) => {
      const ranks = Array.from({ length: 12 }, () => uuidv7()).map((id) => ({ id, rank: rankOfNew(id) }));
      for (const [from, to] of moves) {
        const [moved] = ranks.splice(from % ranks.length, 1);
        const at = to % (ranks.length + 1);
        const rank = rankBetween(ranks[at - 1]?.rank, ranks[at]?.rank, moved!.id);
        ranks.splice(at, 0, { id: moved!.id, rank: rank ?? expect.fail('There is no room.') });
      }
      const texts = ranks.map(({ rank }) => rank);
      expect(texts.toSorted(compare)).toEqual(texts);
      expect(new Set(texts).size).toBe(texts.length);
    }),
  );
});

test.each(['first', 'last'])('1,000 moves to the %s position leave ranks short', (end) => {
  let edge = rankOfNew(uuidv7());
  for (let move = 0; move < 1_000; move += 1) {
    const [low, high] = end === 'first' ? [undefined, edge] : [edge, undefined];
    const rank = rankBetween(low, high, uuidv7()) ?? '';
    expect(end === 'first' ? rank < edge : rank > edge).toBe(true);
    expect(rank).toHaveLength(24);
    edge = rank;
  }
});

test('ranks are distributed between any two others', () => {
  const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(hex, hex, fc.integer({ min: 1, max: 100 }), (one, other, count) => {
      fc.pre(one.padEnd(80, '0') !== other.padEnd(80, '0'));
      const [low = '', high = ''] = [one, other].toSorted(compare);
      const made = ranksBetween(
        low,
        high,
        Array.from({ length: count }, () => uuidv7()),
      );
      const all = [low, ...(made ?? []), high];
      expect(made).toHaveLength(count);
      expect(all.toSorted(compare)).toEqual(all);
    }),
  );
});

test('a deal that enters a stage is behind those before, and before those after', () => {
  const [earlier, entering] = ['019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11', '019ab2f4-0000-7c3a-9d52-0c7e8b1f4a12'];
  const time = new Date(Number.parseInt('019ab2f46c1f', 16)).toISOString();

  expect(rankOfEntry(entering, time)).toBe('019ab2f46c1f7c3a9d520c7e8b1f4a12');
  expect(rankOfEntry(entering, time) > rankOfNew(earlier)).toBe(true);
});

test('there is no rank between two that differ too late', () => {
  const low = 'a'.repeat(60);

  expect(rankBetween(low, `${low}b`, uuidv7())).toBeUndefined();
  expect(ranksBetween(low, `${low}0`, [uuidv7()])).toBeUndefined();
});
