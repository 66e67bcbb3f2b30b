import { expect, test } from 'vitest';
import { FairSlots } from './fair-slots.js';

/** Three slots, of which one tenant holds at most two. */
function threeSlots() {
  return new FairSlots(3, () => 2);
}

test('a tenant holds at most its share, and others get the rest', () => {
  const places = threeSlots();

  expect(['a', 'a', 'a', 'b', 'b', 'c'].map((tenant) => places.tryEnter(tenant))).toEqual([
    true,
    true,
    false,
    true,
    false,
    false,
  ]);
  expect([places.isFull('a'), places.isFull('b')]).toEqual([true, false]);
});

test('waiting tenants are admitted in turn', async () => {
  const places = threeSlots();
  for (const tenant of ['x', 'x', 'y']) await places.enter(tenant);
  const admitted: string[] = [];
  const wait = (tenant: string) => places.enter(tenant).then(() => admitted.push(tenant));
  const waiting = ['a', 'a', 'a', 'b', 'c'].map(wait);

  for (const tenant of ['x', 'x', 'y', 'a', 'b']) places.leave(tenant);
  await Promise.all(waiting);

  expect(admitted).toEqual(['a', 'b', 'c', 'a', 'a']);
});

test('a tenant that holds its share does not block the next one', async () => {
  const places = threeSlots();
  for (const tenant of ['a', 'a', 'b']) await places.enter(tenant);
  const admitted: string[] = [];
  const waiting = ['a', 'c'].map((tenant) => places.enter(tenant).then(() => admitted.push(tenant)));

  places.leave('b');
  await waiting[1];

  expect(admitted).toEqual(['c']);
  places.leave('a');
  await waiting[0];
});

test('a cancelled wait takes no slot', async () => {
  const places = new FairSlots(1, () => 1);
  await places.enter('a');
  const gone = new AbortController();
  const waiting = places.enter('b', gone.signal);
  const next = places.enter('b');

  gone.abort(new Error('gone'));

  await expect(waiting).rejects.toThrow('gone');
  await expect(places.enter('c', gone.signal)).rejects.toThrow('gone');
  places.leave('a');
  await next;
});
