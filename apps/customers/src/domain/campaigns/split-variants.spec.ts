import { expect, test } from 'vitest';
import { sharesOf } from './split-variants.js';
import { winnerOf } from './watch-campaign.js';

const variants = (...weights: number[]) =>
  weights.map((weight, index) => ({ key: `v${index}`, templateId: '', subject: undefined, weight }));

test.each([
  [[1, 1], 101, [51, 50]],
  [[1, 1, 1], 100, [34, 33, 33]],
  [[70, 20, 10], 1_000, [700, 200, 100]],
  [[1, 2], 1, [0, 1]],
  [[5], 0, [0]],
])('weights %j share out %i recipients as %j', (weights, recipients, counts) => {
  const shares = sharesOf({ variants: variants(...weights), test: undefined }, recipients);
  expect(shares.map(({ count }) => count)).toEqual(counts);
});

test('each number of recipients is shared out whole, within one of the weights', () => {
  for (let recipients = 0; recipients < 500; recipients += 1) {
    const shares = sharesOf({ variants: variants(3, 5, 11), test: undefined }, recipients);
    expect(shares.reduce((sum, { count }) => sum + count, 0)).toBe(recipients);
    for (const [index, weight] of [3, 5, 11].entries()) {
      expect(Math.abs(shares[index]!.count - (recipients * weight) / 19)).toBeLessThan(1);
    }
  }
});

test('a test has its share, and the others wait', () => {
  const test = { sharePercent: 20, metric: 1, waitSeconds: 0, decide: 1 };
  expect(sharesOf({ variants: variants(1, 1), test }, 1_001)).toEqual([
    { variantKey: 'v0', count: 100 },
    { variantKey: 'v1', count: 100 },
    { variantKey: undefined, count: 801 },
  ]);
});

test('the variant with the most for each e-mail wins, and the first one among equals', () => {
  const campaign = { variants: variants(1, 1, 1) };
  const result = (index: number, gained: number, sent: number) => ({ variantKey: `v${index}`, gained, sent });
  expect(winnerOf(campaign, [])).toBe('v0');
  expect(winnerOf(campaign, [result(2, 2, 4), result(1, 1, 2), result(0, 1, 3)])).toBe('v1');
  expect(winnerOf(campaign, [result(0, 9, 100), result(1, 1, 10)])).toBe('v1');
});
