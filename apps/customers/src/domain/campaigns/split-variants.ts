import type { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';

/** A share of the recipients, in their order. */
export interface Share {
  /** Of its variant. Absent for the recipients that wait for the end of the test. */
  variantKey: string | undefined;
  count: number;
}

/**
 * The shares of the recipients of a campaign: exact by the weights, with the largest remainder. Of a test, each variant has its share of
 * the test, and the others follow.
 */
export function sharesOf({ variants, test }: Pick<Campaign, 'variants' | 'test'>, recipients: number): Share[] {
  const tested = test ? Math.round((recipients * test.sharePercent) / 100) : recipients;
  const weights = variants.map(({ weight = 1 }) => weight);
  const counts = apportion(tested, weights);
  const shares: Share[] = variants.map(({ key }, index) => ({ variantKey: key, count: counts[index]! }));
  return test ? [...shares, { variantKey: undefined, count: recipients - tested }] : shares;
}

/** Whole numbers with the sum of a total, in relation to weights. Among equal remainders, the first one gets more. */
function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const counts = weights.map((weight) => Math.floor((total * weight) / sum));
  const left = total - counts.reduce((all, count) => all + count, 0);
  const remainders = weights.map((weight, index) => ({ index, remainder: (total * weight) % sum }));
  remainders.sort((one, other) => other.remainder - one.remainder || one.index - other.index);
  for (const { index } of remainders.slice(0, left)) counts[index]! += 1;
  return counts;
}
