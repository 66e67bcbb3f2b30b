import type { RestRoute } from '@rapport/contracts';

/** What an operation costs, in units of a rate: at least one, also when the contract does not say. */
export function costOf({ policy }: Pick<RestRoute['method'], 'policy'>): number {
  return Math.max(1, policy.cost);
}
