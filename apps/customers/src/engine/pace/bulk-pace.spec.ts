import { expect, test } from 'vitest';
import { Turns } from './bulk-pace.js';

test('long work yields to other work, and preserves its order', async () => {
  const turns = new Turns();
  let othersTurns = 0;
  let isOver = false;
  const others = () => {
    othersTurns += 1;
    if (!isOver) setImmediate(others);
  };
  setImmediate(others);

  const results = await turns.map([3, 1, 2], (item, index) => {
    const endsAt = performance.now() + 10;
    while (performance.now() < endsAt);
    return `${index}: ${item}`;
  });
  isOver = true;

  expect(results).toEqual(['0: 3', '1: 1', '2: 2']);
  expect(othersTurns).toBeGreaterThanOrEqual(2);
});
