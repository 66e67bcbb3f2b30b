import { networkOf } from '@rapport/platform';
import { FixedWindows } from './rate-limits.js';
import { tooManyFailedAuthentications } from './refusals.js';

const windowMs = 60_000;
/** Factor by which more well-formed keys may be wrong: their 192 random bits can't be guessed, and NAT shares addresses. */
const wellFormedFactor = 10;

/**
 * Bounds how many credentials can be tried from one address (a /64 of IPv6) in a minute. In memory: it works when nothing
 * else does.
 */
export class FailedAuthentications {
  readonly #windows = new FixedWindows(windowMs);

  constructor(private readonly perMinute: number) {}

  /**
   * Takes one try of the address before the credential is checked, so that concurrent tries count too.
   *
   * @param apart distinguishes a separate count for the same address
   * @returns gives the try back; call it when the credential is valid
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_FAILED_AUTHENTICATIONS
   */
  take(address: string, apart = ''): () => void {
    return this.#take(`${networkOf(address)} ${apart}`, this.perMinute);
  }

  /**
   * The same for an API key with a valid checksum. Counted separately, with a larger budget: malformed keys never keep a valid one
   * from being looked up.
   */
  takeWellFormed(address: string): () => void {
    return this.#take(`${networkOf(address)} well-formed`, this.perMinute * wellFormedFactor);
  }

  #take(id: string, most: number): () => void {
    const now = performance.now();
    const window = this.#windows.current(id, now);
    if (window.used >= most) throw tooManyFailedAuthentications(window.endsAt - now);
    window.used += 1;
    return () => {
      window.used -= 1;
    };
  }
}
