import { Secret, TOTP } from 'otpauth';

/**
 * The code of an authenticator app.
 *
 * @param secret base 32, as returned by the enrollment
 * @param steps number of 30-second steps after the current one
 */
export function totpCode(secret: string, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
}
