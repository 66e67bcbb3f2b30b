import { setTimeout as delay } from 'node:timers/promises';
import { Secret, TOTP } from 'otpauth';

const stepMs = 30_000;

/** How long before its end a step is not begun with, in milliseconds. */
const marginMs = 5_000;

/**
 * The code of an authenticator app.
 *
 * @param secret base 32, as returned by the enrollment
 * @param steps number of 30-second steps after the current one
 */
export function totpCode(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * stepMs });
}

/**
 * The code of the step before the current one, which leaves the current and the next one unused. It is accepted only until the
 * current step ends, so a step that is about to end is waited for: the clock has to run.
 */
export async function earlyTotpCode(secret: string): Promise<string> {
  const now = Date.now();
  const endMs = now + stepMs - (now % stepMs);
  // The steps are those of the clock, and a timer can fire a millisecond before it.
  while (endMs - Date.now() < marginMs && Date.now() < endMs) await delay(endMs - Date.now());
  return totpCode(secret, -1);
}
