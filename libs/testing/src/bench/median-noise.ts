import { median } from './measure-cases.js';

const splits = 200;

/** The largest difference of medians between two halves of the same values, each time cut in another way. */
export function medianNoise(values: readonly number[]): number {
  const differences = Array.from({ length: splits }, () => {
    const shuffled = values.map((value) => [Math.random(), value] as const).sort(([left], [right]) => left - right);
    const halves = [shuffled.slice(0, values.length / 2), shuffled.slice(values.length / 2)];
    const [left = 0, right = 0] = halves.map((half) => median(half.map(([, value]) => value)));
    return Math.abs(left - right);
  });
  return Math.max(...differences);
}
