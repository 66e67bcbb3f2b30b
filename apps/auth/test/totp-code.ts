import { Secret, TOTP } from 'otpauth';

/**
 * The code that an authenticator app shows.
 *
 * @param secret base 32, as the enrollment answers it
 * @param steps how many steps of 30 seconds the clock of the app is ahead of ours
 */
export function totpCode(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
}
