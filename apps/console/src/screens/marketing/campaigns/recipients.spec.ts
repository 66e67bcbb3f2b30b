import { expect, test } from 'vitest';
import { countOf, resultsOf, talliesOf } from './recipients.ts';

const group = (variant: string, state: string, count: number) => ({
  values: [{ value: variant }, { value: state }],
  count,
});
const tallies = talliesOf({
  groups: [
    group('a', 'HANDED_OVER', 40),
    group('a', 'BOUNCED', 10),
    group('b', 'PLANNED', 50),
    { values: [{}, { value: 'SKIPPED' }], count: 7 },
  ],
});

test('rates are of what the relay took, and a variant without any has none', () => {
  expect(resultsOf(['a', 'b'], tallies, new Map([['a', 5]]))).toEqual([
    { key: 'a', recipients: 50, accepted: 50, clicks: 5, rate: 0.1 },
    { key: 'b', recipients: 50, accepted: 0, clicks: 0, rate: undefined },
  ]);
});

test('recipients without a variant are counted in their state', () => {
  expect(countOf(tallies, 'SKIPPED', 'PLANNED')).toBe(57);
});
