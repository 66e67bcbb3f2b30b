import { networkOf } from '@rapport/platform';
import { FixedWindows } from './fixed-window.js';
import { tooManyFailedAuthentications } from './refusals.js';

const windowMs = 60_000;

/**
 * Bounds how many credentials can be tried from one address (a /64 of IPv6) in a minute. In memory: it works when nothing
 * else does, and what it does not know it refuses.
 */
export class FailedAuthentications {
  readonly #windows = new FixedWindows(windowMs);

  constructor(private readonly perMinute: number) {}

  /**
   * Takes one try of the address before the credential is looked at, so that many at once are no way around.
   *
   * @param apart what is counted by itself of what comes from the address
   * @returns gives the try back, when the credential turns out not to be wrong
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_FAILED_AUTHENTICATIONS
   */
  take(address: string, apart = ''): () => void {
    const now = performance.now();
    const window = this.#windows.current(`${networkOf(address)} ${apart}`, now);
    if (window.used >= this.perMinute) throw tooManyFailedAuthentications(window.endsAt - now);
    window.used += 1;
    return () => {
      window.used -= 1;
    };
  }
}
