import { expect, test } from 'vitest';
import { ReaderSlots } from './reader-slots.js';

/** Takes slots until the tenant gets no more. @returns a function that releases them */
function takeAll(places: ReaderSlots, tenantId: string): (() => void)[] {
  const taken: (() => void)[] = [];
  for (;;) {
    try {
      taken.push(places.enter(tenantId));
    } catch {
      return taken;
    }
  }
}

test('a tenant has at most 200 slots, and gets them again after releasing them', () => {
  const places = new ReaderSlots();
  const taken = takeAll(places, 'a');
  expect(taken).toHaveLength(200);
  for (const leave of taken) leave();
  expect(takeAll(places, 'a')).toHaveLength(200);
});

test('the next tenant gets slots however many others have taken all they can get', () => {
  const places = new ReaderSlots();
  const taken = Array.from({ length: 500 }, (_, tenant) => takeAll(places, `tenant-${tenant}`).length);

  expect(taken.slice(0, 3)).toEqual([200, 200, 177]);
  expect(taken[10]).toBeGreaterThan(20);
  expect(Math.min(...taken)).toBe(2);
  expect(taken.reduce((sum, count) => sum + count)).toBeLessThan(2_000 + 500 * 2);
});
