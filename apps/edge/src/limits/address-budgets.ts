import { networkOf, type AppError } from '@rapport/platform';
import { windowSeconds } from './plans.js';
import { FixedWindows } from './rate-limits.js';
import { addressLimited } from './refusals.js';

/**
 * Rate budgets of calls without a credential, by address. In the memory of this process, and apart from the budgets of keys: a
 * caller can use any number of addresses.
 */
export class AddressBudgets {
  readonly #windows = new FixedWindows(windowSeconds * 1_000);

  /** @param unitsPerMinute of an IPv4 address, or a /64 of IPv6 */
  constructor(private readonly unitsPerMinute: number) {}

  /** Spends `cost` units. @returns AppError RESOURCE_EXHAUSTED RATE_LIMITED if too few are left; then none are spent */
  charge(address: string, cost: number): AppError | undefined {
    const now = performance.now();
    const window = this.#windows.current(networkOf(address), now);
    if (window.used + cost > this.unitsPerMinute) return addressLimited(window.endsAt - now, cost);
    window.used += cost;
    return undefined;
  }
}
